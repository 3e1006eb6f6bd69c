//! A cache for one test.

use std::time::Duration;

use scrm_cache::{Cache, RedisConfig};
use scrm_kernel::{Clock, MessageId};

use crate::Shape;

/// How long Redis may take: longer than in a service, because a busy machine must fail no test.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes a cache of the chosen shape: in this process, or in Redis under a prefix of its own.
///
/// Redis goes by its own clock, which no test moves: whoever has used up a rate there waits in earnest. What is left
/// ends with its time to live.
pub async fn cache(clock: Clock) -> Cache {
    match Shape::chosen() {
        Shape::Embedded => Cache::in_process("", clock),
        Shape::Distributed => {
            let config = RedisConfig { url: redis_url().into(), patience: PATIENCE };
            // A cache goes on without Redis, and a test would not notice.
            config.ping(PATIENCE).await.expect("the Redis of the tests answers");
            let prefix = format!("test-{}:", MessageId::mint(Clock::system().now()).as_uuid().simple());
            Cache::in_redis(&prefix, &config, clock)
                .await
                .expect("SCRM_TEST_REDIS_URL is an address of Redis")
        }
    }
}

/// Returns where the Redis of the tests is.
pub fn redis_url() -> String {
    scrm_config::variable("SCRM_TEST_REDIS_URL").expect(
        "SCRM_TEST_REDIS_URL names Redis: tests/services.sh up redis; eval \"$(tests/services.sh env)\"",
    )
}
