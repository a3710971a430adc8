//! Shared by the journeys: temporary homes, repositories and the programs under test.
