//! What a callback bids us read, because it only says that something changed.

use scrm_wecom::event::{Body, Book, Contact};

use crate::domain::look::Subject;

/// Returns what is to be read because of `body`.
pub(super) fn subjects(body: &Body) -> Vec<Subject> {
    match body {
        Body::Contact(contact) => of_contact(contact).into_iter().collect(),
        Body::Tag(_) => vec![Subject::Tags],
        Body::Book(book) => of_book(book).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// A new contact is read when its event has come back, after everybody whose work is more urgent has it.
fn of_contact(contact: &Contact) -> Option<Subject> {
    match contact {
        Contact::Edited { external_user_id, .. }
        | Contact::DeletedByMember { external_user_id, .. }
        | Contact::DeletedByCustomer { external_user_id, .. }
        | Contact::TransferFailed { external_user_id, .. } => {
            Some(Subject::Customer(external_user_id.clone()))
        }
        Contact::Added { .. } | Contact::HalfAdded { .. } | Contact::ArchiveConsented { .. } => None,
    }
}

fn of_book(book: &Book) -> Option<Subject> {
    match book {
        Book::MemberCreated { user_id, .. } | Book::MemberDeleted { user_id } => {
            Some(Subject::Member(user_id.clone()))
        }
        Book::MemberUpdated { user_id, new_user_id, .. } => {
            Some(Subject::Member(new_user_id.as_ref().unwrap_or(user_id).clone()))
        }
        Book::DepartmentCreated { .. } | Book::DepartmentUpdated { .. } | Book::DepartmentDeleted { .. } => {
            Some(Subject::Departments)
        }
        Book::MemberTagUpdated { .. } | Book::BatchFinished { .. } => None,
    }
}
