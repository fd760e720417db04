"""The HTTP service: FastAPI in front of `moderation`."""
