//! The roles that every enterprise has.

use super::action::Action;
use super::reach::DataScope;

/// Actions that a role gives, within one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What.
    pub actions: Vec<Action>,
    /// With whose things.
    pub scope: DataScope,
}

/// A role that every enterprise has, as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuiltIn {
    /// 管理员: everything.
    Admin,
    /// 销售主管: leads, customers and channels of the own departments and those below.
    SalesManager,
    /// 销售: the own leads and customers.
    Sales,
    /// 市场: channels, greetings and tags, and what they bring in.
    Marketer,
    /// 客服: every customer.
    Service,
    /// 质检员: customers of the own departments and those below, whose conversations are judged.
    QaReviewer,
    /// 质检主管: every customer.
    QaLead,
    /// 审计员: sees everything, changes nothing.
    Auditor,
}

impl BuiltIn {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Admin,
        Self::SalesManager,
        Self::Sales,
        Self::Marketer,
        Self::Service,
        Self::QaReviewer,
        Self::QaLead,
        Self::Auditor,
    ];

    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::SalesManager => "sales_manager",
            Self::Sales => "sales",
            Self::Marketer => "marketer",
            Self::Service => "service",
            Self::QaReviewer => "qa_reviewer",
            Self::QaLead => "qa_lead",
            Self::Auditor => "auditor",
        }
    }

    /// Reads the stable name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Returns what it gives.
    pub fn grants(self) -> Vec<Grant> {
        use Action as Do;
        use DataScope::{DepartmentTree, Everybody, Oneself};
        let all = |is_meant: fn(&Action) -> bool| Action::ALL.iter().copied().filter(is_meant).collect();
        let grant = |scope: DataScope, actions: &[Action]| Grant { actions: actions.to_vec(), scope };
        match self {
            Self::Admin => vec![Grant { actions: all(|_| true), scope: Everybody }],
            Self::SalesManager => vec![
                grant(
                    DepartmentTree,
                    &[Do::ReadLeads, Do::ReassignLeads, Do::ReadCustomers, Do::TagCustomers],
                ),
                grant(
                    Everybody,
                    &[
                        Do::ReadStaff,
                        Do::ReadCalendars,
                        Do::ReadChannels,
                        Do::ManageChannels,
                        Do::ReadRouting,
                        Do::ManageRouting,
                        Do::ReadMedia,
                        Do::ManageMedia,
                        Do::ReadTags,
                        Do::ManageTags,
                    ],
                ),
            ],
            Self::Sales => vec![
                grant(Oneself, &[Do::ReadLeads, Do::ReadCustomers, Do::TagCustomers]),
                grant(Everybody, &[Do::ReadStaff, Do::ReadCalendars, Do::ReadMedia, Do::ReadTags]),
            ],
            Self::Marketer => vec![grant(
                Everybody,
                &[
                    Do::ReadStaff,
                    Do::ReadCalendars,
                    Do::ReadLeads,
                    Do::ReadCustomers,
                    Do::ReadChannels,
                    Do::ManageChannels,
                    Do::ReadRouting,
                    Do::ReadMedia,
                    Do::ManageMedia,
                    Do::ReadTags,
                    Do::ManageTags,
                ],
            )],
            Self::Service => vec![grant(
                Everybody,
                &[
                    Do::ReadStaff,
                    Do::ReadCalendars,
                    Do::ReadLeads,
                    Do::ReadCustomers,
                    Do::TagCustomers,
                    Do::ReadMedia,
                    Do::ReadTags,
                ],
            )],
            Self::QaReviewer => vec![
                grant(DepartmentTree, &[Do::ReadCustomers]),
                grant(Everybody, &[Do::ReadStaff, Do::ReadCalendars, Do::ReadTags]),
            ],
            Self::QaLead => vec![grant(
                Everybody,
                &[Do::ReadStaff, Do::ReadCalendars, Do::ReadLeads, Do::ReadCustomers, Do::ReadTags],
            )],
            Self::Auditor => vec![Grant { actions: all(|action| action.only_reads()), scope: Everybody }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_found_by_its_name_and_may_do_something() {
        for role in BuiltIn::ALL {
            assert_eq!(BuiltIn::parse(role.as_str()), Some(role));
            assert!(role.grants().iter().any(|grant| !grant.actions.is_empty()), "{role:?}");
        }
        assert_eq!(BuiltIn::parse("root"), None);
    }

    #[test]
    fn an_auditor_changes_nothing_and_an_administrator_may_do_everything() {
        for grant in BuiltIn::Auditor.grants() {
            assert!(grant.actions.iter().all(|action| action.only_reads()));
        }
        assert_eq!(BuiltIn::Admin.grants()[0].actions.len(), Action::ALL.len());
    }
}
