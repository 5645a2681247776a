"""What all services share: who asks, on which site, and what is told of it."""
