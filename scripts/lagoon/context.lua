-- SPDX-License-Identifier: MIT
--
-- Contexts carry "enough now", deadlines and values through a program. Go: `context`.
--
-- A context that can be done has a channel that is closed then. Its parent holds it in `children`
-- until one of the two is done.
local core = require "lagoon.core"
local chan = require "lagoon.chan"
local time = require "lagoon.time"

local raise, RAISE = core.raise, core.RAISE

---@class lagoon.Context
---@field private parent lagoon.Context?
---@field private channel lagoon.Channel?
---@field private children table<lagoon.Context, boolean>
---@field private reason string?
---@field private moment number?  of the deadline
---@field private timer lagoon.Timer?
---@field private key any
---@field private held any
local Context = {}
Context.__index = Context

local CANCELED, EXCEEDED = "context canceled", "context deadline exceeded"

local function check(ctx, n, name)
    if getmetatable(ctx) ~= Context then
        return raise(RAISE, ("bad argument #%d to '%s' (context expected, got %s)"):format(n, name,
            type(ctx)))
    end
end

local function check_self(ctx, method)
    if getmetatable(ctx) ~= Context then
        return raise(RAISE, ("calling '%s' on bad self (context expected, got %s)"):format(method,
            ctx == nil and "no value" or type(ctx)))
    end
end

---A channel that is closed when the context is done. Of the background it never is.
---@return lagoon.Channel
function Context:done()
    check_self(self, "done")
    return self.channel
end

---Why it is done; nil if it is not.
---@return string?
function Context:err()
    check_self(self, "err")
    return self.reason
end

---The moment on lagoon.now's clock at which it will be done at the latest.
---@return number?
function Context:deadline()
    check_self(self, "deadline")
    return self.moment
end

---What the nearest context holds under a key.
---@param key any
---@return any
function Context:value(key)
    check_self(self, "value")
    local ctx = self
    while ctx do
        if ctx.has_value and rawequal(ctx.key, key) then
            return ctx.held
        end
        ctx = ctx.parent
    end
    return nil
end

local function finish(ctx, reason)
    if ctx.reason then
        return
    end
    ctx.reason = reason
    if ctx.timer then
        ctx.timer:stop()
    end
    if ctx.parent then
        ctx.parent.children[ctx] = nil
    end
    ctx.channel:close()
    for child in pairs(ctx.children) do
        ctx.children[child] = nil
        finish(child, reason)
    end
end

local function child_of(parent)
    local ctx = setmetatable({
        parent = parent,
        channel = chan.new(),
        children = {},
        moment = parent.moment,
    }, Context)
    if parent.reason then
        finish(ctx, parent.reason)
    else
        parent.children[ctx] = true
    end
    return ctx
end

local function canceler(ctx)
    return function()
        finish(ctx, CANCELED)
    end
end

local context = {}

local background

---The context that is never done, has no deadline and no values.
---@return lagoon.Context
function context.background()
    if not background then
        -- Nothing ever ends it, so its children need not be held.
        local children = setmetatable({}, { __mode = "k" })
        background = setmetatable({ channel = chan.new(), children = children }, Context)
    end
    return background
end

---A context that is done when `cancel` is called or its parent is done.
---@param parent lagoon.Context
---@return lagoon.Context ctx
---@return fun() cancel
function context.with_cancel(parent)
    check(parent, 1, "with_cancel")
    local ctx = child_of(parent)
    return ctx, canceler(ctx)
end

local function with_moment(parent, moment)
    local ctx = child_of(parent)
    if not ctx.moment or moment < ctx.moment then
        ctx.moment = moment
        local left = moment - time.now()
        if left <= 0 then
            finish(ctx, EXCEEDED)
        elseif not ctx.reason then
            ctx.timer = time.timer(left, function()
                finish(ctx, EXCEEDED)
            end)
        end
    end
    return ctx, canceler(ctx)
end

---A context that is also done after so many seconds.
---@param parent lagoon.Context
---@param seconds number
---@return lagoon.Context ctx
---@return fun() cancel
function context.with_timeout(parent, seconds)
    check(parent, 1, "with_timeout")
    if type(seconds) ~= "number" or seconds ~= seconds then
        return raise(RAISE, ("bad argument #2 to 'with_timeout' (seconds must be a number, got %s)")
            :format(type(seconds) == "number" and "nan" or type(seconds)))
    end
    return with_moment(parent, time.now() + seconds)
end

---A context that is also done at a moment of lagoon.now's clock.
---@param parent lagoon.Context
---@param moment number
---@return lagoon.Context ctx
---@return fun() cancel
function context.with_deadline(parent, moment)
    check(parent, 1, "with_deadline")
    if type(moment) ~= "number" or moment ~= moment then
        return raise(RAISE, ("bad argument #2 to 'with_deadline' (a number expected, got %s)")
            :format(type(moment) == "number" and "nan" or type(moment)))
    end
    return with_moment(parent, moment)
end

---A context that answers `value(key)`; it is done when its parent is.
---@param parent lagoon.Context
---@param key any
---@param value any
---@return lagoon.Context
function context.with_value(parent, key, value)
    check(parent, 1, "with_value")
    if key == nil then
        return raise(RAISE, "bad argument #2 to 'with_value' (a key expected, got nil)")
    end
    local ctx = child_of(parent)
    ctx.has_value, ctx.key, ctx.held = true, key, value
    return ctx
end

return context
