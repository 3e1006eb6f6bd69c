//! The tables as sea-orm sees them.

pub(crate) mod customer;
pub(crate) mod relation;
pub(crate) mod relation_tag;
pub(crate) mod staff;
pub(crate) mod staff_alias;
pub(crate) mod tag;
pub(crate) mod tag_group;
pub(crate) mod tag_library;
pub(crate) mod tag_wish;
pub(crate) mod timeline;
