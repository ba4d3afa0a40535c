-- SPDX-License-Identifier: MIT
--
-- The same operations for compiled code: what need not wait is done by plain C functions, called
-- through the FFI, so that loops over channels stay compiled. What has to wait, or to raise, goes
-- the long way. What a call has received stands in a slot of `out` until it is read here; a hook or
-- a finalizer that runs in between uses the next slots.
local core = require "lagoon.core"

local getmetatable, type, nargs = getmetatable, type, select

local OK, SEALED = core.OK, core.SEALED

-- As in bindings/value.h: a word from TAGS on is no number, but one of these.
local TAGS = 0xfffffff0
local NIL, FALSE, TRUE, REF = 0, 1, 2, 3

-- As in bindings/fast.c.
local NOT_FAST, NOT_READY = -1, -2
local OUT_LAST = 255 -- OUT_SLOTS of bindings/state.h, less one

local TYPES = {
    send_number = "int (*)(void *, double)",
    send_tag = "int (*)(void *, int)",
    get_ref = "int (*)(void *)",
    send_ref = "int (*)(void *, int)",
    put_ref = "int (*)(void *, int)",
    recv = "int (*)(void *)",
    length = "int (*)(void *)",
    select4 = "int (*)(int, void *, void *, void *, void *)",
    select8 = "int (*)(int, void *, void *, void *, void *, void *, void *, void *, void *)",
    mutex_lock = "int (*)(void *)",
    mutex_unlock = "int (*)(void *)",
    rwmutex_lock = "int (*)(void *)",
    rwmutex_unlock = "int (*)(void *)",
    rwmutex_rlock = "int (*)(void *)",
    rwmutex_runlock = "int (*)(void *)",
    waitgroup_add = "int (*)(void *, int)",
    semaphore_acquire = "int (*)(void *, int)",
    semaphore_release = "int (*)(void *, int)",
    now = "double (*)(void *)",
}

local function functions(ffi)
    local call = {}
    for name, signature in pairs(TYPES) do
        call[name] = ffi.cast(signature, core.fast[name])
    end
    return call
end

local fast = {}

-- The channel's methods, and select.
local function install_chan(ffi, call, chan)
    local bit = require "bit"
    local band, rshift = bit.band, bit.rshift
    local Channel, class = chan.Channel, core.classes.channel
    local slow_send, slow_recv = Channel.send, Channel.recv
    local slow_try_send, slow_try_recv = Channel.try_send, Channel.try_recv
    local slow_sending = Channel.sending
    local slow_iterate, slow_select, slow_length = chan.iterate, chan.select, class.__len
    local f_send_number, f_send_tag, f_send_ref = call.send_number, call.send_tag, call.send_ref
    local f_get_ref, f_put_ref = call.get_ref, call.put_ref
    local f_recv, f_length, f_select4, f_select8 =
        call.recv, call.length, call.select4, call.select8
    local refs_of, new_refs, default = core.fast.refs, core.chan_refs, core.default
    local out = ffi.cast(
        "struct { union { double number; struct { int32_t ref; uint32_t tag; }; }; void *ptr; } *",
        core.fast.out)
    local open = core.open
    local out_at = ffi.cast("uint32_t *", core.fast.out_at)

    -- True: sent. The object is a channel.
    local function try_send(ch, value)
        if type(value) == "number" then
            return f_send_number(ch, value) == 1
        elseif value == nil then
            return f_send_tag(ch, NIL) == 1
        elseif type(value) == "boolean" then
            return f_send_tag(ch, value and TRUE or FALSE) == 1
        end
        local refs = refs_of[ch] or new_refs(ch)
        local slot = f_get_ref(ch)
        if slot <= 0 then
            return false
        end
        refs[slot] = value
        if f_send_ref(ch, slot) == 1 then
            return true
        end
        refs[slot] = nil
        f_put_ref(ch, slot)
        return false
    end

    -- The value that the call has left in slot `at`, which is free again.
    local function take(ch, at)
        local tag, value = out[at].tag - TAGS, nil
        if tag < 0 then
            value = out[at].number
        elseif tag == REF then
            local refs, slot = refs_of[ch], out[at].ref
            value = refs[slot]
            refs[slot] = nil
            f_put_ref(ch, slot)
        elseif tag > REF then
            return (open(at))
        elseif tag ~= NIL then
            value = tag == TRUE
        end
        out_at[0] = band(at - 1, OUT_LAST)
        return value
    end

    local c_send_on, c_recv_from, raise = core.chan_send_on, core.chan_recv_from, core.raise

    function Channel:send(value, seconds)
        if getmetatable(self) == class and seconds == nil then
            if try_send(self, value) then
                return true
            end
            local code, err = c_send_on(self, value)
            if code == OK then
                return true
            end
            return raise(code, err)
        end
        return slow_send(self, value, seconds)
    end

    function Channel:recv(seconds)
        if getmetatable(self) == class and seconds == nil then
            local at = f_recv(self)
            if at >= 0 then
                return take(self, at), true
            end
            local code, value, ok = c_recv_from(self)
            if code == OK then
                return value, ok
            elseif code == SEALED then
                return open(value), true
            end
            return raise(code, value)
        end
        return slow_recv(self, seconds)
    end

    local Sending = core.Sending

    function Channel:sending(value)
        if getmetatable(self) == class then
            return setmetatable({ self, value }, Sending)
        end
        return slow_sending(self, value)
    end

    function Channel:try_send(value)
        if getmetatable(self) == class and try_send(self, value) then
            return true
        end
        return slow_try_send(self, value)
    end

    function Channel:try_recv()
        if getmetatable(self) == class then
            local at = f_recv(self)
            if at >= 0 then
                return take(self, at), true
            elseif at == NOT_READY then
                return nil, nil
            end
        end
        return slow_try_recv(self)
    end

    function class:__call()
        if getmetatable(self) == class then
            local at = f_recv(self)
            if at >= 0 then
                return take(self, at)
            end
            local code, value = c_recv_from(self)
            if code == OK then
                return value
            elseif code == SEALED then
                return (open(value))
            end
            return raise(code, value)
        end
        return slow_iterate(self)
    end

    function class:__len()
        local length = getmetatable(self) == class and f_length(self) or -1
        return length >= 0 and length or slow_length(self)
    end

    local function is_chan(ch)
        return type(ch) == "userdata" and getmetatable(ch) == class
    end

    -- Which of n channels has been received from, from 0 on, and eight times the slot; or
    -- NOT_READY; or NOT_FAST.
    local function select4(n, a, b, c, d)
        if is_chan(a) and (n < 2 or is_chan(b)) and (n < 3 or is_chan(c)) and
            (n < 4 or is_chan(d)) then
            return f_select4(n, n > 0 and a or nil, n > 1 and b or nil, n > 2 and c or nil,
                n > 3 and d or nil)
        end
        return NOT_FAST
    end

    local function select8(n, a, b, c, d, e, f, g, h)
        if is_chan(a) and is_chan(b) and is_chan(c) and is_chan(d) and is_chan(e) and
            (n < 6 or is_chan(f)) and (n < 7 or is_chan(g)) and (n < 8 or is_chan(h)) then
            return f_select8(n, a, b, c, d, e, n > 5 and f or nil, n > 6 and g or nil,
                n > 7 and h or nil)
        end
        return NOT_FAST
    end

    local function try_select(n, ...)
        if n >= 1 and n <= 4 then
            return select4(n, ...)
        elseif n > 4 and n <= 8 then
            return select8(n, ...)
        end
        return NOT_FAST
    end

    -- Up to eight channels to receive from, with or without a default.
    function chan.select(...)
        local n = nargs("#", ...)
        local has_default = n > 0 and nargs(n, ...) == default
        if has_default then
            n = n - 1
        end
        local code = try_select(n, ...)
        if code >= 0 then
            local i, at = band(code, 7), rshift(code, 3)
            if out[at].tag < TAGS then
                local number = out[at].number
                out_at[0] = band(at - 1, OUT_LAST)
                return i + 1, number, true
            end
            return i + 1, take(nargs(i + 1, ...), at), true
        elseif code == NOT_READY and has_default then
            return n + 1
        end
        return slow_select(...)
    end
end

-- A method that does its job at once or goes the long way.
local function or_slow(class, call, slow)
    return function(self)
        if getmetatable(self) == class and call(self) == 1 then
            return
        end
        return slow(self)
    end
end

local function install_locks(call, sync)
    local classes = core.classes
    local Mutex, RWMutex = sync.Mutex, sync.RWMutex
    Mutex.lock = or_slow(classes.mutex, call.mutex_lock, Mutex.lock)
    Mutex.unlock = or_slow(classes.mutex, call.mutex_unlock, Mutex.unlock)
    RWMutex.lock = or_slow(classes.rwmutex, call.rwmutex_lock, RWMutex.lock)
    RWMutex.unlock = or_slow(classes.rwmutex, call.rwmutex_unlock, RWMutex.unlock)
    RWMutex.rlock = or_slow(classes.rwmutex, call.rwmutex_rlock, RWMutex.rlock)
    RWMutex.runlock = or_slow(classes.rwmutex, call.rwmutex_runlock, RWMutex.runlock)
end

local function install_counters(call, sync)
    local waitgroup, semaphore = core.classes.waitgroup, core.classes.semaphore
    local WaitGroup, Semaphore = sync.WaitGroup, sync.Semaphore
    local f_add, slow_add, slow_done = call.waitgroup_add, WaitGroup.add, WaitGroup.done
    local f_acquire, slow_acquire = call.semaphore_acquire, Semaphore.acquire
    local f_release, slow_release = call.semaphore_release, Semaphore.release

    function WaitGroup:add(n)
        if getmetatable(self) == waitgroup and type(n) == "number" and n % 1 == 0 and
            n >= -2 ^ 31 and n < 2 ^ 31 and f_add(self, n) == 1 then
            return
        end
        return slow_add(self, n)
    end

    function WaitGroup:done()
        if getmetatable(self) == waitgroup and f_add(self, -1) == 1 then
            return
        end
        return slow_done(self)
    end

    function Semaphore:acquire(units)
        if units == nil and getmetatable(self) == semaphore and f_acquire(self, 1) == 1 then
            return
        end
        return slow_acquire(self, units)
    end

    function Semaphore:release(units)
        if units == nil and getmetatable(self) == semaphore and f_release(self, 1) == 1 then
            return
        end
        return slow_release(self, units)
    end
end

---Replaces operations by their fast twins, if the compiler is on and the FFI is there.
---@param chan table  lagoon.chan
---@param sync table  lagoon.sync
---@param time table  lagoon.time
function fast.install(chan, sync, time)
    local has_jit, jit = pcall(require, "jit")
    local has_ffi, ffi = pcall(require, "ffi")
    if not (has_jit and has_ffi and jit.status()) then
        return
    end
    local call = functions(ffi)
    install_chan(ffi, call, chan)
    install_locks(call, sync)
    install_counters(call, sync)
    local f_now, script = call.now, ffi.cast("void *", core.fast.script)
    function time.now()
        return f_now(script)
    end
end

return fast
