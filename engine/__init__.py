"""How a large language model is built, as a small library.

Each module is one idea: corpus, tokenizer, windows, gpt, training, generation, checkpoint, runs.
Importing the package itself is cheap; import the module you need.
"""
