local suspended, ready
for _, c in ipairs(obj.status and obj.status.conditions or {}) do
  if c.type == "Suspended" and c.status == "True" then suspended = c end
  if c.type == "Ready" then ready = c end
end
if obj.spec.suspend and suspended then return {status = "Suspended", message = suspended.message} end
if ready == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "The operator has not seen this generation yet."}
end
for _, c in ipairs(obj.status.conditions) do
  if c.type == "Stalled" and c.status == "True" then return {status = "Degraded", message = c.message} end
end
return {status = ready.status == "True" and "Healthy" or "Progressing", message = ready.message}
