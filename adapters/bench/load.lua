-- What wrk asks for. Arguments: what to ask, then its own, as the table `kinds` names them.

local kinds = {}
local count = 0

local function sku(most)
  return string.format("SKU-%05d", math.random(most))
end

local function store(most)
  return string.format("ST-%03d", math.random(most))
end

local some = nil

-- In the first stores, as many as asked for; in every store where that is none.
function kinds.availability(skus, stores)
  if some == nil then
    local named = {}
    for number = 1, tonumber(stores) do
      named[number] = string.format("store=ST-%03d", number)
    end
    some = #named > 0 and "?" .. table.concat(named, "&") or ""
  end
  return wrk.format("GET", "/v1/availability/" .. sku(tonumber(skus)) .. some)
end

function kinds.listing(skus, stores)
  local asked = {}
  for _ = 1, 50 do asked[#asked + 1] = "sku=" .. sku(tonumber(skus)) end
  for _ = 1, 10 do asked[#asked + 1] = "store=" .. store(tonumber(stores)) end
  return wrk.format("GET", "/v1/availability?" .. table.concat(asked, "&"))
end

function kinds.hold(skus, stores, salt)
  count = count + 1
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Idempotency-Key"] = salt .. "-" .. count
  local body = string.format('{"lines":[{"sku":"%s","store":"%s","quantity":1}],"ttl_s":3600}',
    sku(tonumber(skus)), store(tonumber(stores)))
  return wrk.format("POST", "/v1/holds", nil, body)
end

local tokens = {}

function kinds.rewards(file)
  if #tokens == 0 then
    for line in io.lines(file) do tokens[#tokens + 1] = line end
  end
  wrk.headers["Authorization"] = "Bearer " .. tokens[math.random(#tokens)]
  return wrk.format("GET", "/v1/me/rewards")
end

local carts = {}

-- Each cart once, with its customer's token; when there are no more, what is asked for is a fault.
function kinds.checkout(file, salt)
  if #carts == 0 then
    for line in io.lines(file) do carts[#carts + 1] = line end
  end
  count = count + 1
  local cart, token = string.match(carts[count] or "none none", "(%S+) (%S+)")
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Idempotency-Key"] = salt .. "-" .. count
  wrk.headers["Authorization"] = "Bearer " .. token
  local body = '{"contact":{"name":"Sample","email":"sample@example.com"},'
    .. '"payment":{"method":"pay_at_pickup"}}'
  return wrk.format("POST", "/v1/carts/" .. cart .. "/checkout", nil, body)
end

function kinds.bare()
  return wrk.format("GET", "/")
end

function init(args)
  math.randomseed(os.time())
  local ask = kinds[args[1]]
  request = function() return ask(args[2], args[3], args[4]) end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format('figures {"requests":%d,"us":%d,"p50_us":%d,"p99_us":%d,"faults":%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
