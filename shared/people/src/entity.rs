//! The tables, as sea-orm reads them.

pub(crate) mod department;
pub(crate) mod staff_department;
