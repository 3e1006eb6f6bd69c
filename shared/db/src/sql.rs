//! The few places where the two databases need different words.

use sea_orm::sea_query::{Expr, ExprTrait as _, IntoColumnRef, SimpleExpr};
use sea_orm::{ConnectionTrait, DbBackend};

/// Returns the condition `column IN (numbers)` with one bound value, however many numbers there are.
///
/// One text for every length keeps the statement cache small.
pub fn one_of(connection: &impl ConnectionTrait, column: impl IntoColumnRef, numbers: &[i64]) -> SimpleExpr {
    let list = numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    let choice = match connection.get_database_backend() {
        DbBackend::Postgres => Expr::cust_with_values("ANY(string_to_array($1, ',')::bigint[])", [list]),
        _ => Expr::cust_with_values("(SELECT value FROM json_each(?))", [format!("[{list}]")]),
    };
    let column = Expr::col(column);
    match connection.get_database_backend() {
        DbBackend::Postgres => column.eq(choice),
        _ => column.binary(sea_orm::sea_query::BinOper::In, choice),
    }
}
