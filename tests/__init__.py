"""The proof: mirrors the folders, plus contract, model, fault and end-to-end tests."""
