-- SPDX-License-Identifier: MIT
--
-- `lagoon test`: busted inside lagoon. busted itself is not part of it.
local core = require "lagoon.core"
local coverage = require "lagoon.test.coverage"
local goroutines = require "lagoon.test.goroutines"
local guard = require "lagoon.test.guard"
local junit = require "lagoon.test.junit"
local options = require "lagoon.test.options"
local outfile = require "lagoon.test.outfile"
local raceorder = require "lagoon.test.raceorder"
local report = require "lagoon.test.report"
local suite = require "lagoon.test.suite"
local tap = require "lagoon.test.tap"

local test = {}

local SUCCESS, FAILED, NOT_RUN = 0, 1, 2
local INTERRUPTED = 130 -- as after any Ctrl-C

local NO_BUSTED = [[
lagoon test: busted is not installed. On Debian and its kin: apt-get install lua-busted; with
LuaRocks: luarocks --lua-version=5.1 install busted. Where it is elsewhere, LUA_PATH and LUA_CPATH
say so. (%s)
]]

local TRIPLETS = { x64 = "x86_64-linux-gnu", arm64 = "aarch64-linux-gnu" }

-- Debian's places; our own LuaJIT may look elsewhere.
local function add_paths()
    package.path = package.path .. ";/usr/share/lua/5.1/?.lua;/usr/share/lua/5.1/?/init.lua"
    local triplet = TRIPLETS[jit.arch]
    if triplet then
        package.cpath = ("%s;/usr/lib/%s/lua/5.1/?.so"):format(package.cpath, triplet)
    end
end

local function refuse(message)
    io.stdout:flush()
    io.stderr:write("lagoon test: ", message, "\n")
    return NOT_RUN
end

-- Nothing of what is printed is looked at twice: each event goes to all.
local function all_of(reporters)
    return setmetatable({}, { __index = function(_, name)
        return function(_, ...)
            for _, reporter in ipairs(reporters) do
                if reporter[name] then
                    reporter[name](reporter, ...)
                end
            end
        end
    end })
end

local function is_coloured(when)
    if when ~= "auto" then
        return when == "always"
    end
    return (os.getenv "NO_COLOR" or "") == "" and os.getenv "TERM" ~= "dumb"
        and require "term".isatty(io.stdout)
end

-- The reporters that the options ask for; also whether busted has to bring one.
local function open_reporters(settings, args)
    local list, is_foreign = {}, false
    local name = args.output:lower()
    if name == "lagoon" then
        list[1] = report.new(io.stdout, is_coloured(settings.color))
    elseif name == "tap" then
        list[1] = tap.new(io.stdout)
    elseif name == "junit" then
        list[1] = junit.new(io.stdout)
    else
        is_foreign = true
    end
    if settings.junit then
        local file, message = outfile.open(settings.junit)
        if not file then
            return nil, message
        end
        settings.junit_file = file
        list[#list + 1] = junit.new(file)
    end
    return all_of(list), is_foreign
end

local function settle_compiler(settings)
    if settings.race_order or settings.coverage or guard.needs_alarm() then
        raceorder.without_compiler()
    end
end

-- ------------------------------------------------------------------------------------------------
-- What busted's own runner does
-- ------------------------------------------------------------------------------------------------

local function add_search_paths(args)
    if #args.lpath > 0 then
        package.path = (args.lpath .. ";" .. package.path):gsub(";;", ";")
    end
    if #args.cpath > 0 then
        package.cpath = (args.cpath .. ";" .. package.cpath):gsub(";;", ";")
    end
end

local function register(busted, args)
    require "busted"(busted)
    if not args["auto-insulate"] then
        busted.register("file", "file", {})
    end
    if args.lazy then
        busted.register("setup", "lazy_setup")
        busted.register("teardown", "lazy_teardown")
    end
    busted.sort = args["sort-tests"]
    busted.randomize = args["shuffle-tests"]
end

local function load_filters(busted, args)
    require "busted.modules.filter_loader"()(busted, {
        tags = args.tags,
        excludeTags = args["exclude-tags"],
        filter = args.filter,
        filterOut = args["filter-out"],
        list = args.list,
        nokeepgoing = not args["keep-going"],
        suppressPending = args["suppress-pending"],
    })
end

-- A message if there is none of that name, in whose place busted takes another.
local function load_foreign_output(busted, args)
    local message
    busted.subscribe({ "error", "output" }, function(_, _, err)
        local line = tostring(err):match "^[^\n]*"
        line = line:match "output_handler_loader%.lua:%d+: (.-):?$" or line -- busted's own place
        message = ("cannot load the output %s: %s"):format(args.output, line)
        return nil, true
    end)
    require "busted.modules.output_handler_loader"()(busted, args.output, {
        defaultOutput = "plainTerminal",
        verbose = args.verbose,
        suppressPending = args["suppress-pending"],
        language = args.lang,
        deferPrint = args["defer-print"],
        arguments = args.Xoutput,
    })
    return message
end

-- False and a message if the helper script cannot be run.
local function load_helper(busted, args)
    if not args.helper or args.helper == "" then
        return true
    end
    local ok, message = require "busted.modules.helper_loader"()(busted, args.helper, {
        verbose = args.verbose, language = args.lang, arguments = args.Xhelper,
    })
    return ok, ("cannot run the helper %s: %s"):format(args.helper, tostring(message))
end

local function load_specs(busted, args)
    local load = require "busted.modules.test_file_loader"(busted, args.loaders)
    load(args.ROOT, args.pattern, {
        excludes = args["exclude-pattern"],
        verbose = args.verbose,
        recursive = args.recursive,
    })
end

local function find_missing(paths)
    local path = require "pl.path"
    for _, name in ipairs(paths) do
        if not path.exists(name) then
            return name
        end
    end
end

-- ------------------------------------------------------------------------------------------------
-- A run
-- ------------------------------------------------------------------------------------------------

local function follow_runs(busted, settings, reporter)
    local seed = settings.seed
    busted.randomseed = seed
    busted.subscribe({ "suite", "reset" }, function(_, n)
        settings.run_seed = seed + n - 1
        busted.randomseed = settings.run_seed
        return nil, true
    end)
    busted.subscribe({ "suite", "start" }, function(_, n, of)
        settings.run_seed = seed + n - 1
        reporter:run(n, of, settings.run_seed)
        return nil, true
    end)
end

local function attach(busted, settings, reporter)
    local self = suite.new(busted, settings, reporter)
    function self.before_test(record)
        math.randomseed(raceorder.mixed(settings.run_seed, record.name))
        core.on_error(function(...)
            self:add_stray_error(...)
        end)
    end
    if settings.race_order then
        guard.first_look_s = 1 -- the points are to follow from the test's own instructions
        function self.before_step(element, descriptor)
            local name = self:full_name(element) .. descriptor
            raceorder.start(settings.run_seed, name)
        end
        self.after_step = raceorder.stop
    end
    return self
end

local function report_coverage(settings, args, reporter)
    local out = settings.coverage_file
    local nhit, nlines, is_whole = coverage.write(out, require "pl.path".currentdir(), args)
    if not is_whole then
        refuse "coverage: not enough memory for all lines"
    end
    reporter:coverage(settings.coverage, nhit, nlines)
end

-- Whether a file of results is not whole.
local function close_files(settings)
    local is_lost = false
    for _, name in ipairs { "junit_file", "coverage_file" } do
        local err = settings[name] and settings[name]:close()
        if err then
            refuse(err)
            is_lost = true
        end
    end
    return is_lost
end

local function execute(busted, settings, args, reporter)
    local self = attach(busted, settings, reporter)
    follow_runs(busted, settings, reporter)
    local started = busted.monotime()
    core.test_exit(function(code)
        return self:note_exit(code)
    end)
    load_specs(busted, args)
    require "busted.execute"(busted)(settings.runs, {
        seed = settings.seed,
        shuffle = args["shuffle-files"],
        sort = args["sort-files"],
    })
    busted.publish { "exit" }
    core.test_exit(nil)
    core.on_error(nil)
    if settings.coverage then
        report_coverage(settings, args, reporter)
    end
    local counts = self.counts
    reporter:finish(counts, busted.monotime() - started)
    local n = counts.success + counts.pending
    local is_lost = close_files(settings)
    if self.is_interrupted then
        return INTERRUPTED
    elseif counts.failure + counts.error > 0 or n == 0 then
        return FAILED
    end
    return is_lost and NOT_RUN or SUCCESS
end

local function list(busted, args)
    local status = SUCCESS
    busted.subscribe({ "error" }, function(element, _, message)
        io.stderr:write("lagoon test: ", tostring(message or element.name), "\n")
        status = FAILED
        return nil, true
    end)
    load_specs(busted, args)
    require "busted.execute"(busted)(1, {})
    return status
end

local function run_with(settings, args)
    local directory = args.directory or "."
    local ok, message = require "pl.path".chdir(directory)
    if not ok then
        return refuse(("cannot change to %s: %s"):format(directory, tostring(message)))
    end
    local missing = find_missing(args.ROOT)
    if missing then
        return refuse(("there is no '%s'"):format(missing))
    end
    local busted = require "busted.core"()
    require "busted.languages.en" -- its loader of files says in words that it has found none
    register(busted, args)
    add_search_paths(args)
    require "luassert":set_parameter("TableErrorHighlightColor", "none")
    require "busted.luajit"()
    settle_compiler(settings)
    if settings.coverage and not args.list then
        settings.coverage_file, message = outfile.open(settings.coverage)
        if not settings.coverage_file then
            return refuse(message)
        end
        coverage.start()
    end
    ok, message = load_helper(busted, args)
    if not ok then
        return refuse(message)
    end
    load_filters(busted, args)
    if args.list then
        return list(busted, args)
    end
    local reporter, is_foreign = open_reporters(settings, args)
    if not reporter then
        return refuse(is_foreign)
    end
    message = is_foreign and load_foreign_output(busted, args)
    if message then
        return refuse(message)
    end
    settings.run_seed = settings.seed
    reporter:begin(settings)
    return execute(busted, settings, args, reporter)
end

---Runs `lagoon test` with these arguments.
---@async
---@param words string[]
---@return integer status
function test.run(words)
    for _, word in ipairs(words) do
        if word == "--help" or word == "-h" then
            io.stdout:write(options.USAGE)
            return SUCCESS
        end
    end
    add_paths()
    local is_there, message = pcall(require, "busted.core")
    if not is_there then
        io.stdout:flush()
        io.stderr:write(NO_BUSTED:format(tostring(message):match "^[^\n]*"))
        return NOT_RUN
    end
    goroutines.adopt()
    local settings, args = options.read(words)
    if not settings then
        return refuse(args)
    elseif args.version then
        print("busted " .. require "busted.core"().version)
        return SUCCESS
    end
    return run_with(settings, args)
end

return test
