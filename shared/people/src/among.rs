//! Whose things somebody may see, as a condition.

use std::collections::BTreeSet;

use scrm_kernel::{CorpId, People, Scope};
use sea_orm::sea_query::{
    CommonTableExpression, Expr, ExprTrait as _, IntoColumnRef, Query, SelectStatement, UnionType, WithClause,
};
use sea_orm::{Condition, DeriveIden};

use super::entity::{department, staff_department};

#[derive(DeriveIden, Clone, Copy)]
enum Below {
    Table,
    Number,
}

/// Returns the condition that a column holds a member whose things `scope` lets one see; none when it is everybody.
pub fn among(column: impl IntoColumnRef, scope: &Scope) -> Option<Condition> {
    let People::Of { staff, departments, trees } = &scope.people else { return None };
    let column = column.into_column_ref();
    let of_column = || Expr::col(column.clone());
    let mut any = Condition::any().add(of_column().is_in(staff.iter().copied()));
    if !departments.is_empty() {
        any = any.add(of_column().in_subquery(members_of(scope.corp, departments)));
    }
    if !trees.is_empty() {
        any = any.add(of_column().in_subquery(members_below(scope.corp, trees)));
    }
    Some(any)
}

fn members(corp: CorpId) -> SelectStatement {
    use staff_department::{Column, Entity};
    Query::select()
        .column(Column::StaffId)
        .from(Entity)
        .and_where(Expr::col(Column::CorpId).eq(corp))
        .to_owned()
}

fn members_of(corp: CorpId, departments: &BTreeSet<i64>) -> SelectStatement {
    let place = Expr::col(staff_department::Column::DepartmentId);
    members(corp).and_where(place.is_in(departments.iter().copied())).to_owned()
}

/// Selects the members of some departments and of those below them.
fn members_below(corp: CorpId, tops: &BTreeSet<i64>) -> SelectStatement {
    use department::{Column, Entity};
    let is_there = || {
        let of = |column: Column| Expr::col((Entity, column));
        of(Column::CorpId).eq(corp).and(of(Column::IsRemoved).eq(false))
    };
    // The tops need not be known yet, and are not removed by being so.
    let mut tops = tops.iter().copied();
    let first = tops.next().unwrap_or_default();
    let mut numbers = Query::select().expr_as(Expr::val(first), Below::Number).to_owned();
    for top in tops {
        numbers.union(UnionType::Distinct, Query::select().expr(Expr::val(top)).to_owned());
    }
    let below = Query::select()
        .column((Entity, Column::Number))
        .from(Entity)
        .inner_join(Below::Table, Expr::col((Entity, Column::ParentId)).equals((Below::Table, Below::Number)))
        .and_where(is_there())
        .to_owned();
    // Without doubles: a circle of departments comes to an end.
    numbers.union(UnionType::Distinct, below);
    let table =
        CommonTableExpression::new().table_name(Below::Table).column(Below::Number).query(numbers).to_owned();
    let reached = Query::select()
        .column(Below::Number)
        .from(Below::Table)
        .with_cte(WithClause::new().recursive(true).cte(table).to_owned())
        .to_owned();
    let place = Expr::col(staff_department::Column::DepartmentId);
    members(corp).and_where(place.in_subquery(reached)).to_owned()
}
