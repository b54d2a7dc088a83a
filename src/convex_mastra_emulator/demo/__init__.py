"""The demonstration: a short agent conversation and a search through the project's own documents."""
