//! Graphs, interpreters, emitters.
