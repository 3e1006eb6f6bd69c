//! Reading lists so that one strange row does not hide the others.

use scrm_kernel::Timestamp;
use scrm_kernel::time::from_millis;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads the rows that can be read; null or absent is none. How many were skipped is logged, not which.
pub(super) fn rows<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let values = Option::<Vec<Value>>::deserialize(deserializer)?.unwrap_or_default();
    let all = values.len();
    let rows: Vec<T> = values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect();
    let skipped = all - rows.len();
    if skipped > 0 {
        tracing::warn!(rows.skipped = skipped, rows.all = all, "Skipped {skipped} rows that cannot be read");
    }
    Ok(rows)
}

/// Reads Unix seconds, as a number or as text (`media/upload`); 0 is none.
pub(super) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let seconds = number(deserializer)?.filter(|seconds| *seconds > 0);
    Ok(seconds.map(|seconds| from_millis(seconds.saturating_mul(1000))))
}

/// Reads a number, also one written as text; what is neither is none.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    })
}

/// Reads ids joined with `|`, as in `invaliduser`.
pub(super) fn joined<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    Ok(text.split('|').filter(|id| !id.is_empty()).map(str::to_owned).collect())
}
