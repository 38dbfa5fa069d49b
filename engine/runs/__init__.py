"""The run service: training that nobody loses.

A run is a frozen `RunConfig`; the hash of it is its id. The store is the queue and the record, worker processes of
a Dask cluster train, artifacts hold checkpoints. `engine.runs.service.lab()` is the door for pages.
"""
