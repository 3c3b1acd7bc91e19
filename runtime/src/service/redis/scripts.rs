//! What has to happen in one piece and is not one command. Each fails with `WRONGTYPE` before it changes anything.

use std::sync::LazyLock;

use ::redis::Script;

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        $($(#[$doc])* pub(super) static $name: LazyLock<Script> = LazyLock::new(|| Script::new($code));)*
    };
}

scripts! {
    /// Value, milliseconds or 0, `1` to leave one that is there; whether it was set.
    SET = "
        redis.call('STRLEN', KEYS[1])
        if ARGV[3] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
        if ARGV[2] == '0' then
            redis.call('SET', KEYS[1], ARGV[1])
        else
            redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        end
        return 1";
    TAKE = "
        local value = redis.call('GET', KEYS[1])
        redis.call('DEL', KEYS[1])
        return value";
    /// What to add, milliseconds of a new counter or 0; the sum as text, because numbers of Lua have 53 bits.
    INCREMENT = "
        if ARGV[2] ~= '0' and redis.call('EXISTS', KEYS[1]) == 0 then
            redis.call('SET', KEYS[1], '0', 'PX', ARGV[2])
        end
        redis.call('INCRBY', KEYS[1], ARGV[1])
        return redis.call('GET', KEYS[1])";
    /// Owner, milliseconds; whether the owner has it.
    ACQUIRE = "
        local held = redis.call('GET', KEYS[1])
        if held and held ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 1";
    /// Owner; whether the owner had it.
    RELEASE = "
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        return redis.call('DEL', KEYS[1])";
    /// Item, `first` or `last`, how many to keep, the most that a list holds; the new length, -1 when it is full.
    PUSH = "
        local length = redis.call('LLEN', KEYS[1]) + 1
        local kept = math.min(length, tonumber(ARGV[3]))
        if kept > tonumber(ARGV[4]) then return -1 end
        if ARGV[2] == 'first' then
            redis.call('LPUSH', KEYS[1], ARGV[1])
            redis.call('LTRIM', KEYS[1], 0, kept - 1)
        else
            redis.call('RPUSH', KEYS[1], ARGV[1])
            redis.call('LTRIM', KEYS[1], -kept, -1)
        end
        return kept";
    TAKE_LIST = "
        local items = redis.call('LRANGE', KEYS[1], 0, -1)
        redis.call('DEL', KEYS[1])
        return items";
    /// Member, the most that a set holds; whether it is new, -1 when the set is full.
    ADD_MEMBER = "
        if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then return 0 end
        if redis.call('SCARD', KEYS[1]) >= tonumber(ARGV[2]) then return -1 end
        return redis.call('SADD', KEYS[1], ARGV[1])";
    /// Field, value, the most that a hash holds; whether the field is new, -1 when the hash is full.
    SET_FIELD = "
        local full = redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3])
        if full and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return -1 end
        return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])";
}
