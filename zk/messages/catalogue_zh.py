"""What is said of the resource centre and of issuer keys, in Chinese."""

from typing import Final

MESSAGES: Final = {
    "help.catalogue": "数据资源中心：有哪些数据项，以及装载目录",
    "help.catalogue.load": "把目录装载到服务；中断后再次运行即可继续",
    "help.catalogue.list": "列出数据项",
    "help.catalogue.search": "按名称、属性或部门中的词查找数据项",
    "help.catalogue.show": "显示一个数据项及其属性",
    "help.catalogue.export": "导出全部登记内容，每条记录一行 JSON",
    "help.catalogue.deprecate": "停用数据项（所有版本），不可恢复",
    "help.catalogue.successor": "接替它的数据项",
    "help.catalogue.etag": "此前读到的 etag；默认即时读取",
    "help.catalogue.department": "只限这个部门，例如 hrss",
    "help.catalogue.file": "用部门自己的 YAML 文件代替项目自带的目录",
    "help.catalogue.word": "中文或英文的词，每个词都须找到",
    "help.catalogue.item": "数据项，例如 social_insurance",
    "help.catalogue.out": "写入这个文件，而不是标准输出",
    "help.issuer.key_action": (
        "new：生成密钥；rotate：生成后停用此前的密钥签发；verify-only：停用一个密钥的签发；"
        "retire：废止一个密钥"
    ),
    "help.issuer.key_name": "用于 verify-only 和 retire：密钥名称 departments/ID/issuerKeys/KEY",
    "catalogue.loading": "正在装载目录",
    "catalogue.loaded": (
        "新登记：部门 {department} 个，用途 {purpose} 个，代码表 {code_list} 个，数据项 {item} 个，"
        "数据模式 {schema} 个。更改数据项 {changed} 个。原已登记 {unchanged} 个。"
    ),
    "catalogue.exported": "已将 {count} 条记录写入 {path}",
    "catalogue.nothing": "没有找到。",
    "catalogue.deprecated": "（已停用）",
    "catalogue.ended": "  {name} 不再签发；已签发的凭证在到期前仍可验证",
    "catalogue.about.person": "  {name}，关于个人",
    "catalogue.about.company": "  {name}，关于企业",
    "catalogue.sensitivity.public": "  公开",
    "catalogue.sensitivity.internal": "  机关内部使用",
    "catalogue.sensitivity.personal": "  个人信息",
    "catalogue.sensitivity.sensitive": "  敏感信息",
    "catalogue.validity": "  有效期 {days} 天",
    "catalogue.refresh.on_change": "  登记变更时重新签发",
    "catalogue.refresh.periodic": "  每 {days} 天重新签发",
    "catalogue.refresh.once": "  只签发一次",
    "catalogue.applicable": "  持有人可以申请",
    "catalogue.offered": "  由部门主动归还",
    "catalogue.source": "  参照：{source}",
    "catalogue.purposes": "  主要用途：{purposes}",
    "catalogue.successor": "  由 {successor} 接替",
    "issuer.key_verify_only": "{key} 不再签发；它已签发的凭证仍可验证。",
    "issuer.key_retired": "{key} 已废止：它签发的凭证从现在起不予接受。",
    "error.department_unknown": "目录中没有部门 {department}。已有：{known}",
    "error.catalogue_differs": "以下内容已登记，但与目录不同，装载不予更改：{names}。其余均已装载。",
    "error.key_unclear": "只有 verify-only 和 retire 需要密钥名称，而且必须给出",
    "reason.ITEM_INVALID": "数据项、用途或代码表不符合要求",
    "reason.ITEM_DEPRECATED": "该数据项已停用，不再签发新的凭证",
    "reason.ETAG_MISMATCH": "内容已被他人更改，请重新读取",
    "reason.KEY_STATE_INVALID": "密钥只能由启用到仅验证再到废止，不可退回",
}
