"""MLflow's wire: upstream's own server behind our sign-in, and a fast lane for its hot routes."""
