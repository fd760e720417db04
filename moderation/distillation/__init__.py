"""What a transformer knows, taught to models that need none. Needs the extra ``train``; nothing else imports it."""
