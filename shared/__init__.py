"""What the four applications share: the train loop, batches, measures, answers and the artifact."""
