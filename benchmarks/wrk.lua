-- Sends the bodies of a file, a line each, one after the other.
local requests, at = {}, 0

function init(args)
  wrk.headers["content-type"] = "application/json"
  wrk.headers["authorization"] = "Bearer any-key"
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", args[2], nil, line)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
