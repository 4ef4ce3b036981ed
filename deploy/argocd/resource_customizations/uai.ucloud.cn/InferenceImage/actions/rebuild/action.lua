local os = require("os")
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["uai.ucloud.cn/requestedAt"] = os.date("!%Y-%m-%dT%H:%M:%SZ")
return obj
