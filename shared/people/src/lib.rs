#![doc = include_str!("../README.md")]

mod among;
mod department;
mod entity;
mod people_tables;
mod place;

pub use among::among;
pub use department::OnDepartmentChanged;
pub use people_tables::PeopleTables;
pub use place::note_places;
