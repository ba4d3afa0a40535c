-- SPDX-License-Identifier: MIT
--
-- What can be done in a context, and its children with it.
--
-- One that several Lua states know has a node in each. These share the channel and a cell that says
-- why it is done: who sets the cell first has won, and the closed channel tells it to all. A state
-- looks there when it is asked. For what must happen unasked (children are done too, a timer is
-- stopped, a parent forgets its child) a goroutine of each state waits: the node's watcher.
local core = require "lagoon.core"
local chan = require "lagoon.chan"
local shared = require "lagoon.shared"

-- Whatever clock the goroutines are on that share a context.
local now, runtime_timer = core.runtime_now, core.runtime_timer

---@class lagoon.context.Node
---@field channel lagoon.Channel?  the background's: nil until somebody asks
---@field code integer  why it is done; 0: it is not
---@field parent lagoon.context.Node?
---@field children table<lagoon.context.Node, boolean>
---@field nchildren integer
---@field moment number?  of the deadline
---@field timer lagoon.Timer?
---@field cell lagoon.Atomic?  the code, for all states; nil: no other state knows it
---@field is_adopted boolean?  another state has made it
---@field is_awaited boolean?  and somebody here has its channel
---@field is_endless boolean?  the background's
---@field watcher lagoon.Task?

local nodes = {
    CANCELED = 1,
    EXCEEDED = 2,
}

local EXCEEDED = nodes.EXCEEDED

local function new_node(channel, moment)
    return { channel = channel, code = 0, children = {}, nchildren = 0, moment = moment }
end

local function stop_timer(node)
    if node.timer then
        node.timer:stop()
        node.timer = nil
    end
end

local function stop_watcher(node)
    local watcher = node.watcher
    node.watcher = nil
    if watcher then
        watcher:cancel()
    end
end

-- Whether something has to happen here when it is done.
local function is_needed(node)
    local parent = node.parent
    return node.timer or node.nchildren > 0 or parent and not parent.is_endless
end

-- The last child has gone.
local function rest(node)
    if node.is_adopted and not node.is_awaited then
        stop_timer(node)
    end
    if not is_needed(node) then
        stop_watcher(node)
    end
end

local function leave(node)
    local parent = node.parent
    node.parent = nil
    if parent and parent.children[node] then
        parent.children[node] = nil
        parent.nchildren = parent.nchildren - 1
        if parent.nchildren == 0 then
            rest(parent)
        end
    end
end

-- Closes the channel, and tells why it is closed: another state may have been faster.
local function close(node, code)
    local channel, cell = node.channel, node.cell
    if not cell then
        channel:close()
        return code
    end
    cell:cas(0, code)
    if not channel:closed() then
        pcall(channel.close, channel) -- who has set the cell may be about to do the same
    end
    return cell:get()
end

---Makes it done, and its children.
---@param node lagoon.context.Node
---@param code integer
function nodes.finish(node, code)
    if node.code ~= 0 then
        return
    end
    node.code = code
    node.code = close(node, code)
    stop_timer(node)
    stop_watcher(node)
    leave(node)
    for child in pairs(node.children) do
        node.children[child] = nil
        nodes.finish(child, node.code)
    end
end

local function is_over(node)
    if node.code ~= 0 then
        return false
    end
    return node.cell and node.channel:closed() or node.moment and now() >= node.moment
end

---Finds out what other states have done, and what a timer has had no chance to do.
---@param node lagoon.context.Node
function nodes.refresh(node)
    local top, at = nil, node
    while at do
        if is_over(at) then
            top = at
        end
        at = at.parent
    end
    if top then
        nodes.finish(top, EXCEEDED) -- or for the reason that is in the cell
    end
end

local function watch(node)
    if pcall(node.channel.recv, node.channel) then
        node.watcher = nil
        nodes.refresh(node)
    end
end

-- Sees to it that it is done here, too, unasked.
local function attend(node)
    if not node.cell or node.code ~= 0 then
        return
    end
    -- The state that made it has a timer, but perhaps no time to look at it.
    if node.is_adopted and node.moment and not node.timer then
        node.timer = runtime_timer(node.moment - now(), function()
            nodes.finish(node, EXCEEDED)
        end)
    end
    if not node.watcher and is_needed(node) then
        node.watcher = core.async_alone(watch, node)
        node.watcher:name("lagoon.context")
    end
end

---The background's.
---@return lagoon.context.Node
function nodes.endless()
    local node = new_node(nil)
    node.is_endless = true
    -- Nothing ever ends it, so its children need not be held.
    setmetatable(node.children, { __mode = "k" })
    return node
end

---One that is done when its parent is.
---@param parent lagoon.context.Node
---@return lagoon.context.Node
function nodes.child_of(parent)
    nodes.refresh(parent)
    local node = new_node(chan.new(), parent.moment)
    if parent.code ~= 0 then
        nodes.finish(node, parent.code)
    else
        node.parent = parent
        parent.children[node] = true
        parent.nchildren = parent.nchildren + 1
        attend(parent)
    end
    return node
end

---Has it done at a moment, unless it will be so before.
---@param node lagoon.context.Node
---@param moment number
function nodes.limit(node, moment)
    if node.code ~= 0 or node.moment and node.moment <= moment then
        return
    end
    node.moment = moment
    local left = moment - now()
    if left <= 0 then
        nodes.finish(node, EXCEEDED)
    else
        node.timer = runtime_timer(left, function()
            nodes.finish(node, EXCEEDED)
        end)
    end
end

---The channel, for somebody who waits.
---@param node lagoon.context.Node
---@return lagoon.Channel
function nodes.await(node)
    nodes.refresh(node)
    if node.is_adopted and not node.is_awaited then
        node.is_awaited = true
        if node.moment then
            attend(node)
        end
    end
    node.channel = node.channel or chan.new()
    return node.channel
end

---Gets it ready for other states.
---@param node lagoon.context.Node
function nodes.share(node)
    if not node.cell then
        node.cell = shared.atomic(node.code)
        attend(node)
    end
end

---One that another state has made.
---@param channel lagoon.Channel
---@param cell lagoon.Atomic
---@param moment number?
---@return lagoon.context.Node
function nodes.adopt(channel, cell, moment)
    local node = new_node(channel, moment)
    node.cell, node.is_adopted = cell, true
    return node
end

return nodes
