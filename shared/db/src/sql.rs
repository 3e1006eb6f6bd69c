//! The few places where the two databases need different words.

use std::ops::Range;
use std::time::Duration;

use scrm_kernel::{CorpId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait as _, IntoColumnRef, LockBehavior, LockType, Query, SimpleExpr};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait,
    FromQueryResult, IdenStatic as _, Iterable as _, Order, PrimaryKeyToColumn as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Statement, Value, Values,
};

use crate::Db;

/// Rows in one INSERT, at most.
const ROWS: usize = 64;
/// SQLite: up to so many rows there is a text for each number of them; more come in multiples of it.
const FEW_ROWS: usize = 8;
/// How long a relay that took rows may leave them unmarked before another one takes them. It is short because the rows of
/// a process that died wait for its end, and a welcome code is good for 20 s; a broker that takes longer gets messages twice.
const LEASE: Duration = Duration::from_secs(5);
/// Rows that are marked as unsent at once.
const SOME: u64 = 5000;

/// Returns the condition `column = value`, spelled out.
///
/// A partial index whose predicate names the value is not used for a parameter: plans do not depend on what is bound.
pub fn has<C: ColumnTrait>(column: C, value: &'static str) -> Expr {
    Expr::expr(column.into_expr()).eq(Expr::Constant(value.into()))
}

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

/// What an insertion does about rows that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It fails.
    Refuse,
    /// It leaves them as they are.
    Skip,
    /// It writes every column that is given, where the primary key is the same; that of each row is another one.
    Replace,
}

/// Returns the values for an `IN`, the last one repeated until they are as many as a power of two: few texts, which the
/// statement cache can hold.
pub fn padded<T: Clone>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    if let Some(last) = values.last().cloned() {
        values.resize(values.len().next_power_of_two(), last);
    }
    values
}

/// Inserts rows in their order, and returns how many of them were not there before, or were replaced.
///
/// There are few texts, which the statement cache can hold. On SQLite up to 64 rows take two statements at most, of 15
/// texts; PostgreSQL, which keeps a large plan for each text and connection, gets powers of two. All rows set the columns
/// that the first one sets.
pub async fn insert_all<E, A>(
    connection: &impl ConnectionTrait,
    rows: Vec<A>,
    known: Known,
) -> Result<u64, DbErr>
where
    E: EntityTrait,
    A: ActiveModelTrait<Entity = E> + Send,
{
    let Some(first) = rows.first() else { return Ok(0) };
    let columns: Vec<E::Column> = E::Column::iter().filter(|column| !first.is_not_set(*column)).collect();
    let is_sqlite = connection.get_database_backend() == DbBackend::Sqlite;
    let (mut inserted, mut left) = (0, rows.len());
    let mut rows = rows.into_iter();
    while left > 0 {
        let some = some_of(left, is_sqlite);
        let values = rows.by_ref().take(some).flat_map(|mut row| {
            let values = columns.iter().map(|column| row.take(*column).into_value());
            values.map(|value| value.expect("it sets what the first one sets")).collect::<Vec<_>>()
        });
        inserted += insert_values::<E>(connection, &columns, values.collect(), known).await?;
        left -= some;
    }
    Ok(inserted)
}

/// Returns how many of so many rows are inserted first.
fn some_of(left: usize, is_sqlite: bool) -> usize {
    match left.min(ROWS) {
        few if is_sqlite && few < FEW_ROWS => few,
        many if is_sqlite => many / FEW_ROWS * FEW_ROWS,
        some => 1 << some.ilog2(),
    }
}

/// Inserts rows in one statement, given as the values of `columns` of one row after the other; returns how many of them
/// were not there before.
///
/// A door and a broker do little else, so this goes without a statement's tree, which would hold every value, and copy
/// it.
pub async fn insert_values<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    columns: &[E::Column],
    values: Vec<Value>,
    known: Known,
) -> Result<u64, DbErr> {
    let backend = connection.get_database_backend();
    let is_ignoring = backend == DbBackend::Sqlite && known == Known::Skip && is_complete(columns, &values);
    let (verb, conflict) = if is_ignoring {
        ("INSERT OR IGNORE", String::new())
    } else {
        ("INSERT", on_conflict::<E>(columns, known))
    };
    let sql = insertion(verb, backend, E::default().table_name(), columns, values.len()) + &conflict;
    let statement = Statement { sql, values: Some(Values(values)), db_backend: backend };
    Ok(connection.execute_raw(statement).await?.rows_affected())
}

/// Reports whether no row lacks a value that its table wants.
///
/// SQLite keeps the former content of every page that an insertion of several rows changes, in case one of them is refused
/// half way: a third of its work at a door. `OR IGNORE` refuses none and needs that not; but it would leave out a row that
/// lacks a value, without a word.
fn is_complete<C: ColumnTrait>(columns: &[C], values: &[Value]) -> bool {
    let wanted: Vec<bool> = columns.iter().map(|column| !column.def().is_null()).collect();
    values.iter().zip(wanted.iter().cycle()).all(|(value, is_wanted)| !is_wanted || *value != value.as_null())
}

/// Returns the text of an insertion with so many parameters.
fn insertion<C: ColumnTrait>(
    verb: &str,
    backend: DbBackend,
    table: &str,
    columns: &[C],
    parameters: usize,
) -> String {
    let names: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.as_str())).collect();
    let mut sql = format!("{verb} INTO \"{table}\" ({}) VALUES ", names.join(", "));
    for parameter in 0..parameters {
        sql.push_str(match (parameter, parameter % columns.len()) {
            (0, _) => "(",
            (_, 0) => "), (",
            _ => ", ",
        });
        if backend == DbBackend::Postgres {
            sql.push('$');
            sql.push_str(&(parameter + 1).to_string());
        } else {
            sql.push('?');
        }
    }
    sql.push(')');
    sql
}

/// Returns what an insertion says about rows that are there already.
fn on_conflict<E: EntityTrait>(columns: &[E::Column], known: Known) -> String {
    let quoted = |column: &E::Column| format!("\"{}\"", column.as_str());
    match known {
        Known::Refuse => String::new(),
        Known::Skip => " ON CONFLICT DO NOTHING".to_owned(),
        Known::Replace => {
            let keys: Vec<String> = E::PrimaryKey::iter().map(|key| quoted(&key.into_column())).collect();
            let others = columns.iter().map(quoted).filter(|column| !keys.contains(column));
            let others: Vec<String> = others.map(|column| format!("{column} = excluded.{column}")).collect();
            format!(" ON CONFLICT ({}) DO UPDATE SET {}", keys.join(", "), others.join(", "))
        }
    }
}

/// Takes up to `most` rows that meet `waiting`, smallest `key` first, for this process alone.
///
/// On PostgreSQL the rows are leased: `leased_until` keeps everybody from taking them for a while. A SQLite database has one process and
/// one taker, which knows in memory what it took and names it in `except`, so nothing is written.
pub async fn take<E: EntityTrait>(
    db: &Db,
    waiting: Condition,
    key: E::Column,
    leased_until: E::Column,
    most: u64,
    except: &[i64],
) -> Result<Vec<E::Model>, DbErr> {
    if db.is_sqlite() {
        let others = (!except.is_empty()).then(|| one_of(db.reader(), key, except).not());
        let waiting = waiting.add_option(others);
        return E::find().filter(waiting).order_by_asc(key).limit(most).all(db.reader()).await;
    }
    let now = db.clock().now();
    let chosen = Query::select()
        .column(key)
        .from(E::default())
        .cond_where(waiting.add(leased_until.is_null().or(leased_until.lt(now))))
        .order_by(key, Order::Asc)
        .limit(most)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .to_owned();
    let take = Query::update()
        .table(E::default())
        .value(leased_until, now + LEASE)
        .and_where(Expr::col(key).in_subquery(chosen))
        .returning_all()
        .to_owned();
    // The order of what an UPDATE returns is not defined.
    let mut rows = Vec::new();
    for row in db.writer().query_all(&take).await? {
        rows.push((row.try_get::<i64>("", key.as_str())?, E::Model::from_query_result(&row, "")?));
    }
    rows.sort_unstable_by_key(|(key, _)| *key);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Notes in `at` that rows, named by `key`, are published now.
pub async fn published<E: EntityTrait>(
    db: &Db,
    key: E::Column,
    at: E::Column,
    rows: &[i64],
) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    E::update_many()
        .col_expr(at, Expr::value(db.clock().now()))
        .filter(one_of(db.writer(), key, rows))
        .exec(db.writer())
        .await
        .map(drop)
}

/// Ends the lease of rows that the broker did not take, so that they need not wait for its end.
pub async fn release<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    key: E::Column,
    leased_until: E::Column,
    rows: &[i64],
) -> Result<(), DbErr> {
    // On SQLite nothing is leased: see `take`.
    if rows.is_empty() || connection.get_database_backend() == DbBackend::Sqlite {
        return Ok(());
    }
    E::update_many()
        .col_expr(leased_until, Expr::value(None::<Timestamp>))
        .filter(one_of(connection, key, rows))
        .exec(connection)
        .await
        .map(drop)
}

/// Notes in `problem` why a row can never be published; it stays where it is.
pub async fn refused<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    key: E::Column,
    problem: E::Column,
    row: i64,
    text: &str,
) -> Result<(), DbErr> {
    E::update_many().col_expr(problem, Expr::value(text)).filter(key.eq(row)).exec(connection).await.map(drop)
}

/// The columns of a table whose sent rows can be sent again.
#[derive(Debug, Clone, Copy)]
pub struct Sent<E: EntityTrait> {
    /// The table, as its relay names it.
    pub table: &'static str,
    /// Its number.
    pub key: E::Column,
    /// The enterprise.
    pub corp: E::Column,
    /// When a row was sent.
    pub at: E::Column,
    /// Until when a relay holds it.
    pub leased_until: E::Column,
}

/// Marks the rows of an enterprise that were sent in `window`, and meet `which`, as unsent; returns how many those are.
///
/// Some at a time, so that others may write in between. What a relay has sent again meanwhile is outside the window,
/// if that ends in the past.
pub async fn unsend<E: EntityTrait>(
    db: &Db,
    columns: Sent<E>,
    corp: CorpId,
    window: &Range<Timestamp>,
    which: Condition,
) -> Result<u64, DbErr> {
    let chosen = Query::select()
        .column(columns.key)
        .from(E::default())
        .and_where(columns.corp.eq(corp))
        .and_where(columns.at.gte(window.start).and(columns.at.lt(window.end)))
        .cond_where(which)
        .order_by(columns.key, Order::Asc)
        .limit(SOME)
        .to_owned();
    let mut unsent = 0;
    loop {
        let some = E::update_many()
            .col_expr(columns.at, Expr::value(None::<Timestamp>))
            .col_expr(columns.leased_until, Expr::value(None::<Timestamp>))
            .filter(Expr::col(columns.key).in_subquery(chosen.clone()))
            .exec(db.writer())
            .await?
            .rows_affected;
        unsent += some;
        if some < SOME {
            db.wake(columns.table);
            return Ok(unsent);
        }
    }
}
