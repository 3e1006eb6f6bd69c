//! Whole installations that are hurt, and what is left of what they had acknowledged.

mod crash;
