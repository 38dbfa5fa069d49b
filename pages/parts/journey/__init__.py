"""The page that follows one prompt through a model: the prompt, the model, what was seen so far, the stations."""
