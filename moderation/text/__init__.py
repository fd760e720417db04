"""From strings to arrays: normalisation, n-gram hashing, static embeddings."""
