-- SPDX-License-Identifier: MIT
--
-- The program `lagoon`: options as luajit's, then the script. Runs as goroutine 1. Returns the exit
-- status; an error that is not caught here is the script's, and is reported with its traceback.
local core = require "lagoon.core"

local USAGE = [[
usage: lagoon [options]... [script [args]...].
       lagoon [options]... attach [pid]
       lagoon [options]... test [options]... [path]...
Available options are:
  -e chunk  Execute string 'chunk'.
  -l name   Require library 'name'.
  -b ...    Save or list bytecode.
  -j cmd    Perform LuaJIT control command.
  -O[opt]   Control LuaJIT optimizations.
  -i        Enter interactive mode after executing 'script'.
  -v        Show version information.
  -E        Ignore environment variables.
  --deterministic[=SEED]  The same run each time.
  --record=FILE, --replay=FILE  Write down what lagoon.input() gets; run with that again.
  --attach  Let `lagoon attach` look at the program; --attach=stay, behind a deadlock, too.
  --trace=FILE  Write down what goroutines do; FILE.json: as a picture for browsers.
  --profile=FILE  Write down what goroutines use and wait for: FILE.pb.gz for pprof, FILE.folded
            as collapsed stacks, of which --profile-value=wall and others choose the numbers.
  --html=FILE  Write a page that shows the run, for any browser.
  --        Stop handling options.
  -         Execute stdin and stop handling options.
]]

local function say(message)
    io.stdout:flush()
    io.stderr:write("lagoon: ", message, "\n")
end

local function refuse(message)
    say(message)
    io.stderr:write(USAGE)
    return 1
end

-- ------------------------------------------------------------------------------------------------
-- Options
-- ------------------------------------------------------------------------------------------------

-- Which options take what follows in the next argument if nothing follows in their own.
local TAKES_VALUE = { e = true, l = true, j = true }
local ALONE = { v = true, E = true, i = true }
-- bindings/course.c has seen to them.
local LONG = {
    deterministic = true, record = true, replay = true, trace = true,
    profile = true, ["profile-value"] = true, html = true,
}

-- The options as a list of {letter, value}, and the index of the script; or nil and what is wrong.
local function parse(argv)
    local options, i = { flags = {} }, 1
    while argv[i] do
        local letter, value = argv[i]:match("^%-(.)(.*)$")
        if not letter then
            break
        elseif letter == "-" and value == "" then
            i = i + 1
            options.is_literal = true
            break
        elseif letter == "-" and (value == "attach" or value == "attach=stay") then
            options.attach, letter = value == "attach=stay" and 2 or 1, nil
        elseif letter == "-" and LONG[value:match("^[^=]*")] then
            letter = nil
        elseif letter == "b" then
            options[#options + 1] = { "b", i }
            options.flags.b = true
            break
        elseif TAKES_VALUE[letter] then
            if value == "" then
                i = i + 1
                value = argv[i]
                if not value then
                    return nil, ("option '-%s' needs an argument"):format(letter)
                end
            end
        elseif letter == "-" or not (letter == "O" or ALONE[letter] and value == "") then
            return nil, ("unknown option '%s'"):format(argv[i])
        end
        if letter then
            options[#options + 1] = { letter, value }
            options.flags[letter] = true
        end
        i = i + 1
    end
    if argv[i] == "-" and not options.is_literal then
        options.is_stdin = true
    end
    return options, i
end

-- "a,,b" are "a", nil, "b".
local function split(text)
    local parts, n = {}, 0
    for part in (text .. ","):gmatch("([^,]*),") do
        n = n + 1
        parts[n] = part ~= "" and part or nil
    end
    return text == "" and 0 or n, parts
end

-- Each does one option; false and a message if it cannot.
local do_option = {}

function do_option.e(code)
    local chunk, err = loadstring(code, "=(command line)")
    if not chunk then
        return false, err
    end
    chunk()
end

-- The library is also left in a global of its name, if there is none.
function do_option.l(name)
    local is_loaded, result = xpcall(require, core.note_trace, name)
    if not is_loaded then
        local missing = ("module '%s' not found"):format(name)
        if type(result) == "string" and result:find(missing, 1, true) then
            return false, (result:gsub("^lagoon/[^:]*:%d+: ", ""))
        end
        core.raise(core.RETHROW, result)
    elseif _G[name] == nil then
        _G[name] = result
    end
end

function do_option.j(value)
    local command, text = value:match("^([^=]*)=?(.*)$")
    local run = jit[command]
    if type(run) ~= "function" then
        local is_found, module = pcall(require, "jit." .. command)
        run = is_found and type(module) == "table" and module.start
        if not run then
            return false, ("unknown command in '-j%s': LuaJIT has none, and there is no module "
                .. "jit.%s"):format(value, command)
        end
    end
    local n, parts = split(text)
    run(unpack(parts, 1, n))
end

function do_option.O(value)
    local n, parts = split(value)
    local is_done, err = pcall(require("jit.opt").start, unpack(parts, 1, n))
    return is_done, err
end

function do_option.v()
    print(("lagoon %s -- %s"):format(require("lagoon").VERSION, jit.version))
end

local function list_bytecode(argv, i)
    local args = { unpack(argv, i + 1) }
    if #argv[i] > 2 then
        table.insert(args, 1, "-" .. argv[i]:sub(3))
    end
    require("jit.bcsave").start(unpack(args))
end

-- ------------------------------------------------------------------------------------------------
-- Scripts
-- ------------------------------------------------------------------------------------------------

local BYTECODE = "\27LJ"

-- Reads a script, once: a pipe gives it only once. Without a path, standard input's.
local function load_script(path)
    if not path then
        return loadfile(nil)
    end
    local file, err = io.open(path, "rb")
    if not file then
        return nil, ("cannot open %s"):format(err)
    end
    local text, read_err = file:read("*a")
    file:close()
    if not text then
        return nil, ("cannot read %s: %s"):format(path, read_err)
    end
    local body = text:gsub("^#[^\n]*\n(\27)", "%1")
    if body:find("%z") and body:sub(1, #BYTECODE) ~= BYTECODE then
        return nil, ("cannot run %s: it is a binary file, not a Lua script"):format(path)
    end
    return loadstring(body, "@" .. path)
end

-- In the place of a script; one of that name is given as ./attach or ./test.
local COMMANDS = { attach = "lagoon.repl.attach", test = "lagoon.test" }

-- LUA_INIT or -e may have changed them.
local function script_args()
    if type(arg) ~= "table" then
        return 0, {}
    end
    local n = 0
    while arg[n + 1] ~= nil do
        n = n + 1
    end
    return n, arg
end

local function run_script(path)
    local chunk, err = load_script(path)
    if not chunk then
        say(err)
        return 1
    end
    local n, args = script_args()
    chunk(unpack(args, 1, n))
    return 0
end

local function run_init(init)
    local path = init:match("^@(.*)$")
    local chunk, err
    if path then
        chunk, err = load_script(path)
    else
        chunk, err = loadstring(init, "=LUA_INIT")
    end
    if not chunk then
        say(err)
        return false
    end
    chunk()
    return true
end

-- ------------------------------------------------------------------------------------------------

local function set_arg(argv, script)
    arg = {}
    for i = 0, #argv do
        arg[i - script] = argv[i]
    end
end

local function run_options(argv, options)
    for _, option in ipairs(options) do
        local letter, value = option[1], option[2]
        if letter == "b" then
            list_bytecode(argv, value)
        elseif do_option[letter] and letter ~= "v" then
            local is_done, err = do_option[letter](value)
            if is_done == false then
                say(err)
                return false
            end
        end
    end
    return true
end

-- How much of it is wanted: 0 nothing, 2 also that the program stays behind a deadlock.
local function start_attach(options)
    local debug = not options.flags.E and os.getenv "LAGOON_DEBUG" or ""
    local wanted = options.attach or tonumber(("," .. debug):match ",attach=(%d+)") or 0
    if wanted == 0 then
        return true
    end
    local ok, path, err = pcall(core.attach_start, wanted >= 2)
    if not (ok and path) then
        say("--attach: " .. tostring(err or path))
        return false
    end
    return true
end

-- An error of the script's, with its traceback as far as the script goes.
local function say_failure(err)
    local is_text, text = pcall(tostring, err)
    if not is_text or type(text) ~= "string" then
        text = ("(error object is a %s value)"):format(type(err))
    end
    local lines = { text }
    for line in (core.traceback(err) or ""):gmatch "[^\n]+" do
        if line:find("lagoon/program.lua:", 1, true) then
            break
        end
        lines[#lines + 1] = line
    end
    say(table.concat(lines, "\n"))
end

-- The script, then the REPL, also after an error.
local function interact(path, terminal, is_terminal)
    if path then
        local ok, err = xpcall(run_script, core.note_trace, path)
        if not ok then
            say_failure(err)
        end
    end
    require("lagoon.repl").run(terminal, is_terminal)
    return 0
end

---@async
---@param argv string[]  from 0 on
---@param is_terminal boolean  whether standard input is one
---@param terminal table  functions of terminal.c
---@return integer status
local function main(argv, is_terminal, terminal)
    core.terminal = terminal -- for those who attach, too
    require("lagoon.stdin").install(io)
    local options, script = parse(argv)
    if not options then
        return refuse(script)
    end
    local flags = options.flags
    local has_script = argv[script] ~= nil and not flags.b
    local is_interactive = flags.i
        or not has_script and is_terminal and not (flags.e or flags.v or flags.b)
            and not options.is_stdin
    set_arg(argv, script)
    if not start_attach(options) then
        return 1
    end
    local init = not flags.E and os.getenv("LUA_INIT")
    if init and not run_init(init) then
        return 1
    end
    if flags.v then
        do_option.v()
    end
    if not run_options(argv, options) then
        return 1
    elseif is_interactive then
        return interact(has_script and not options.is_stdin and argv[script], terminal, is_terminal)
    elseif has_script and COMMANDS[argv[script]] and not options.is_literal then
        local command = require(COMMANDS[argv[script]])
        return command.run({ unpack(argv, script + 1) }, terminal, is_terminal)
    elseif has_script then
        return run_script(not options.is_stdin and argv[script] or nil)
    elseif not (flags.e or flags.v or flags.b) then
        return run_script(nil)
    end
    return 0
end

return main
