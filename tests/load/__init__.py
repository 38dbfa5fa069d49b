"""A load test with real WebSocket sessions: `make load`, or `python -m tests.load --help`."""
