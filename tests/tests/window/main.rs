//! Journeys in the real window, with a real engine, real git and a real message bus. Each has a desktop of its own that
//! nobody sees. Pictures of every screen are left in `tests/screens/`.

mod build;
mod builders;
mod catalogue;
mod close;
mod compose;
mod datums;
mod first_run;
mod pipeline;
mod screens;
mod shell;
