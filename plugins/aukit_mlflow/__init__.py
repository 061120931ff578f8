"""An observer that tells MLflow of runs."""
