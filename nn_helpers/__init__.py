"""Layers, losses, a network, optimizers and pictures: what the lessons are made of."""
__version__ = "0.1.0"
