"""From a trained network to the model that is served: graph, manifest, model card, promotion."""
