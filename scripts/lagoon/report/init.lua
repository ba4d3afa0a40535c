-- SPDX-License-Identifier: MIT
--
-- `lagoon --html=FILE`: the page that shows a run, made of the trace and the profiles of it in its
-- end. bindings/htmlreport.c calls this in a state of its own.
local data = require "lagoon.report.data"
local events = require "lagoon.report.events"
local json = require "lagoon.report.json"

-- In their order.
local SCRIPTS = {
    "lagoon.report.logic.js", "lagoon.report.dom.js", "lagoon.report.model.js",
    "lagoon.report.tracks.js", "lagoon.report.timeline.js", "lagoon.report.tables.js",
    "lagoon.report.flame.js", "lagoon.report.page.js",
}

local report = {}

local function escape_html(text)
    return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

local function load_script()
    local parts = {}
    for i, name in ipairs(SCRIPTS) do
        parts[i] = require(name)
    end
    return table.concat(parts, "\n")
end

---The page as text. The nonce keeps what is in the data from ever being run.
---@param shown table  of data.of()
---@param nonce string
---@return string
function report.page(shown, nonce)
    local parts = {
        NONCE = nonce, TITLE = escape_html(json.valid(shown.title)), DATA = json.write(shown),
        STYLE = require "lagoon.report.page.css", SCRIPT = load_script(),
    }
    return (require("lagoon.report.page.html"):gsub("@(%u+)@", parts))
end

local TAKES_VALUE = { ["-e"] = true, ["-l"] = true, ["-j"] = true }

-- The script's name, or what stands for it.
local function title_of(argv)
    local i = 2
    while argv[i] and argv[i]:find("^%-.") and argv[i] ~= "--" do
        i = i + (TAKES_VALUE[argv[i]] and 2 or 1)
    end
    local script = argv[argv[i] == "--" and i + 1 or i]
    return script and script ~= "-" and script:match("[^/]+$") or "lagoon"
end

local STATUS_NOTES = {
    [1] = "The program ended with an error (status 1).",
    [2] = "The program ended with a deadlock, or an error that no goroutine caught (status 2).",
}

local function notes_of(status)
    if status <= 0 then
        return {}
    end
    local text = STATUS_NOTES[status] or ("The program ended with status %d."):format(status)
    return { { bad = true, text = text } }
end

local function read_all(path)
    local file = io.open(path, "rb")
    local text = file and file:read("*a")
    if file then
        file:close()
    end
    return text or ""
end

-- The lines of a file up to so many bytes; has_more() tells whether there were further ones.
local function first_lines(path, most)
    local next_line, nbytes, has_more = io.lines(path), 0, false
    local function limited()
        local line = not has_more and next_line()
        nbytes = nbytes + (line and #line + 1 or 0)
        has_more = has_more or nbytes > most
        return not has_more and line or nil
    end
    return limited, function()
        return has_more
    end
end

---@class lagoon.report.Run
---@field argv string[]  from the program's name on
---@field trace_path string  of Chrome trace events
---@field stacks_path string  of collapsed stacks, "# cpu" in front of each kind
---@field status integer  that the program ends with; -1: unknown
---@field nonce string
---@field bad_ends { id: integer, why: string? }[]  without a why: cancelled

---Writes the page of a run.
---@param path string
---@param run lagoon.report.Run
---@return boolean? ok
---@return string? err
function report.write(path, run)
    local lines, has_more = first_lines(run.trace_path, data.most.trace_bytes)
    local all = events.gather(lines)
    local about = {
        title = title_of(run.argv), command = table.concat(run.argv, " "),
        notes = notes_of(run.status), bad_ends = run.bad_ends,
        version = tostring(all.other.version or ""),
        when = os.date("!%Y-%m-%d %H:%M UTC"),
    }
    if has_more() then
        table.insert(about.notes, { text = ("The program went on, but what it did fills more than "
            .. "a page can show: this is its first %.3g s."):format(all.until_us / 1e6) })
    end
    local page = report.page(data.of(all, about, read_all(run.stacks_path)), run.nonce)
    local file, err = io.open(path, "wb")
    if not file then
        return nil, err
    end
    local is_written, write_err = file:write(page)
    local is_closed, close_err = file:close()
    if not (is_written and is_closed) then
        return nil, write_err or close_err
    end
    return true
end

return report
