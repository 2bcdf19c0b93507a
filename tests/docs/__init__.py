"""What is derived from the code for readers, and the proof that it is current."""
