// Calls perspective-api-client as it is: node ask.js URL KEY CALLS, where CALLS is JSON, a list of arguments of analyze().
// Prints what each call answered or threw. Only the host of its requests is replaced, on the axios that it depends on.
'use strict';

const {createRequire} = require('module');
const Perspective = require('perspective-api-client');

const GOOGLE = 'https://commentanalyzer.googleapis.com';
const [url, apiKey, calls] = process.argv.slice(2);

const axios = createRequire(require.resolve('perspective-api-client'))('axios');
axios.interceptors.request.use(config => ({...config, url: config.url.replace(GOOGLE, url)}));

const perspective = new Perspective({apiKey});
const told = error => ({error: error.name, message: error.message, body: error.response && error.response.data});

Promise.all(JSON.parse(calls).map(call => perspective.analyze(...call).catch(told)))
  .then(answers => console.log(JSON.stringify(answers)));
