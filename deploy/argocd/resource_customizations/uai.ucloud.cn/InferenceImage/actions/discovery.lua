local suspended = obj.spec.suspend == true
return {
  rebuild = {disabled = false},
  suspend = {disabled = suspended},
  resume = {disabled = not suspended}
}
