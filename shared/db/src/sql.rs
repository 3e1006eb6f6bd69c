//! The few places where the two databases need different words.

use sea_orm::sea_query::{Expr, ExprTrait as _, IntoColumnRef, SimpleExpr};
use sea_orm::{ConnectionTrait, DbBackend};

/// Returns the condition `column IN (numbers)` with one bound value, however many numbers there are.
///
/// One text for every length keeps the statement cache small.
pub fn one_of(connection: &impl ConnectionTrait, column: impl IntoColumnRef, numbers: &[i64]) -> SimpleExpr {
    let list = numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    let column = Expr::col(column);
    if connection.get_database_backend() == DbBackend::Postgres {
        // Written out whole: `eq` puts parentheses around ANY, and that is no SQL.
        Expr::cust_with_exprs("$1 = ANY(string_to_array($2, ',')::bigint[])", [column, Expr::value(list)])
    } else {
        let choice = Expr::cust_with_values("(SELECT value FROM json_each(?))", [format!("[{list}]")]);
        column.binary(sea_orm::sea_query::BinOper::In, choice)
    }
}
