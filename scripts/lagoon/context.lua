-- SPDX-License-Identifier: MIT
--
-- Contexts carry "enough now", deadlines and values through a program. Go: `context`.
--
--   context --> node: what can be done (contextnode.lua)
--      |         |
--      v         v
--   parent --> node: its own, or with a value its parent's
--
-- A context that has crossed has a node in each Lua state. It is known there by the cell that these
-- share, one with a value by a token: it is the same table when it comes again, or comes back.
local core = require "lagoon.core"
local nodes = require "lagoon.contextnode"
local shared = require "lagoon.shared"

local raise, RAISE = core.raise, core.RAISE

local REASONS = {
    [nodes.CANCELED] = "context canceled",
    [nodes.EXCEEDED] = "context deadline exceeded",
}

---@class lagoon.Context
---@field private node lagoon.context.Node
---@field private parent lagoon.Context?
---@field private has_value boolean?
---@field private key any
---@field private held any
---@field private token lagoon.Atomic?
local Context = {}
Context.__index = Context

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
    return nodes.await(self.node)
end

---Why it is done; nil if it is not.
---@return string?
function Context:err()
    check_self(self, "err")
    nodes.refresh(self.node)
    return REASONS[self.node.code]
end

---The moment on lagoon.now's clock at which it will be done at the latest.
---@return number?
function Context:deadline()
    check_self(self, "deadline")
    return self.node.moment
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

local function new_context(node, parent)
    return setmetatable({ node = node, parent = parent }, Context)
end

local function new_value(parent, key, value)
    local ctx = new_context(parent.node, parent)
    ctx.has_value, ctx.key, ctx.held = true, key, value
    return ctx
end

local context = {}

local background

---The context that is never done, has no deadline and no values.
---@return lagoon.Context
function context.background()
    if not background then
        background = new_context(nodes.endless())
    end
    return background
end

---What the functions do that come with a context; another state finds it by its name.
---@param ctx lagoon.Context
---@private
function context.cancel(ctx)
    nodes.finish(ctx.node, nodes.CANCELED)
end

local function canceler(ctx)
    local cancel = context.cancel
    return function()
        cancel(ctx)
    end
end

---A context that is done when `cancel` is called or its parent is done.
---@param parent lagoon.Context
---@return lagoon.Context ctx
---@return fun() cancel
function context.with_cancel(parent)
    check(parent, 1, "with_cancel")
    local ctx = new_context(nodes.child_of(parent.node), parent)
    return ctx, canceler(ctx)
end

local function with_moment(parent, moment)
    local ctx, cancel = context.with_cancel(parent)
    nodes.limit(ctx.node, moment)
    return ctx, cancel
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
    return with_moment(parent, core.runtime_now() + seconds)
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
    return new_value(parent, key, value)
end

-- ------------------------------------------------------------------------------------------------
-- Crossing
-- ------------------------------------------------------------------------------------------------

-- By their cell or token.
local known = setmetatable({}, { __mode = "kv" })

-- The context that has made the node, and those with values: below it, innermost first, and above
-- it, where other nodes are among them.
local function lineage(ctx)
    local below, above = {}, {}
    while ctx.has_value do
        below[#below + 1] = ctx
        ctx = ctx.parent
    end
    local own = ctx
    while ctx do
        if ctx.has_value then
            above[#above + 1] = ctx
        end
        ctx = ctx.parent
    end
    return own, below, above
end

---How it crosses: what the receiver calls, and with what.
---@return function rebuild
---@return any ...
function Context:__transfer()
    local own, below, above = lineage(self)
    local node, args, n = own.node, { nil, nil, nil, #above }, 4
    if own ~= background then
        nodes.share(node)
        args[1], args[2], args[3] = node.channel, node.cell, node.moment
        known[node.cell] = own
    end
    for i = #above, 1, -1 do
        args[n + 1], args[n + 2] = above[i].key, above[i].held
        n = n + 2
    end
    for i = #below, 1, -1 do
        local ctx = below[i]
        ctx.token = ctx.token or shared.atomic(0)
        known[ctx.token] = ctx
        args[n + 1], args[n + 2], args[n + 3] = ctx.token, ctx.key, ctx.held
        n = n + 3
    end
    return context.adopt, unpack(args, 1, n)
end

---This state's context for one that has crossed.
---@param channel lagoon.Channel?  nil: of the background
---@param cell lagoon.Atomic?
---@param moment number?
---@param nabove integer  how many pairs of a key and a value follow, of contexts above the node's
---@param ... any  then triples of a token, a key and a value, of those below
---@return lagoon.Context
---@private
function context.adopt(channel, cell, moment, nabove, ...)
    local given, ctx = { ... }, cell and known[cell]
    if not ctx then
        ctx = context.background()
        for i = 1, 2 * nabove, 2 do
            ctx = new_value(ctx, given[i], given[i + 1])
        end
    end
    if cell and not known[cell] then
        ctx = new_context(nodes.adopt(channel, cell, moment), ctx)
        known[cell] = ctx
    end
    for i = 2 * nabove + 1, select("#", ...), 3 do
        local token = given[i]
        local holder = known[token]
        if not holder then
            holder = new_value(ctx, given[i + 1], given[i + 2])
            holder.token, known[token] = token, holder
        end
        ctx = holder
    end
    return ctx
end

return context
