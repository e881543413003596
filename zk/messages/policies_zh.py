"""What is said of registered policies and pairing codes, in Chinese."""

from typing import Final

MESSAGES: Final = {
    "help.verifier.policies": "这家验证方可以询问什么：登记、列出、终止",
    "help.verifier.policies.register": "登记规则文件所询问的内容，不多也不少",
    "help.verifier.policies.list": "列出一家验证方已登记的规则",
    "help.verifier.policies.deprecate": "终止一条规则：此后不再按它受理请求",
    "help.verifier.policy_name": "规则名称：verifiers/标识/policies/规则@版本",
    "help.verifier.pairing": "让持有人输入只在本屏幕上显示的配对码",
    "help.vault.pairing_code": "验证方屏幕上显示的配对码（如有）",
    "verifier.policy_registered": "已登记 {policy}。此后只允许以下内容：",
    "verifier.policy_item": "  {item}：出示 {shown}；证明 {proven}",
    "verifier.policy_nothing": "无",
    "verifier.policy_in_use": "{policy}：使用中",
    "verifier.policy_ended": "{policy}：已终止",
    "verifier.policy_none": "{verifier} 尚未登记规则",
    "verifier.policy_receipt.pending": "  一有回执即予接受",
    "verifier.policy_receipt.anchored": "  经见证方联署（回执已锚定）后方予接受",
    "verifier.policy_receipt.ordered": "  进入联盟次序（回执已定序）后方予接受",
    "verifier.quorum_unknown": "其规则要求回执已锚定，而此处未指明由谁联署：zk ledger trust --policy FILE",
    "verifier.by_policy": (
        "依登记的规则 {policy} 询问：{purpose}；法律依据：{basis}；出示内容保存 {days} 天。"
    ),
    "verifier.pairing": "配对码：{code}（只显示在本屏幕上，不要发给任何人）",
    "vault.ask_pairing": "请输入验证方屏幕上显示的配对码：",
    "reason.POLICY_UNKNOWN": "请求所依据的规则并未由其验证方登记（zk verifier policy register）",
    "reason.PURPOSE_UNKNOWN": "政策所指的用途未登记",
    "reason.PURPOSE_MISMATCH": "政策的用途说明或法律依据与登记的不一致",
    "reason.RECEIPT_STATE_DEMANDED": "已登记的规则要求回执已锚定或已定序，而此处并不等待",
    "reason.POLICY_DEPRECATED": "请求所依据的规则已终止",
    "reason.OVER_ASKING": "请求索要的内容超出其登记的规则",
    "reason.PAIRING_REQUIRED": "需要验证方屏幕上显示的配对码（--pairing-code）",
    "reason.PAIRING_WRONG": "配对码与验证方屏幕上显示的不符",
    "reason.PAIRING_FAILED": "输错配对码次数过多：须由验证方重新询问",
    "reason.PAIRING_CLOSED": "输错配对码次数过多，无人作答：请重新询问",
}
