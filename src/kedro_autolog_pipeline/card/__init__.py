"""The page that travels with a model: ``model_card.html``."""
