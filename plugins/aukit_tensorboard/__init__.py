"""TensorBoard for runs: an observing plugin, used where the environment asks for it."""
