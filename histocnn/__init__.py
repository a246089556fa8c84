"""What a container holds: the CNN, its data, its engines, and the process measured."""

__version__ = "0.1.0"
