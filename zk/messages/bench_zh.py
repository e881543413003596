"""`zk bench` 所说的话，中文。"""

from typing import Final

MESSAGES: Final = {
    "bench.unit": (
        "P 是 {group} 的一次双线性对校验，不做任何预计算：在这台机器上为 {milliseconds} 毫秒。"
        "全部测完约需两分钟；按 Ctrl-C 结束。"
    ),
    "bench.portable": (
        "正在使用的群是 {group}：没有安装原生群 {native}。它只需较快的可移植群 arkworks 的"
        "四分之一到三分之一的时间，且处理秘密时耗时恒定；它随 zk-native 一起安装。"
        "下面的 P 是 {group} 自己的双线性对校验；所承诺的数字属于 {native}，此处不显示。"
    ),
    "bench.no_processes": "未测量服务：本系统没有在 /proc 中给出进程所用的处理器时间。",
    "bench.interrupted": "已中断；以上各行已经测完。",
    "bench.milliseconds": "{number} 毫秒",
    "bench.units": "{number} P ",
    "bench.times": "{number} 倍",
    "bench.limit": "至多 {limit} {verdict}",
    "bench.pass": "达到",
    "bench.miss": "未达到",
    "bench.remark.busy": "每秒 {per_second} 次，服务占 {server_cores} 个核，发起方占 {generator_cores} 个核",
    "bench.remark.idle": (
        "每秒 {per_second} 次，服务占 {server_cores} 个核，发起方占 {generator_cores} 个核：核未用满"
    ),
    "bench.stage": "各项运算，L={L}",
    "bench.row.sign": "签名，L={L}",
    "bench.row.verify": "验签，L={L}",
    "bench.row.proof_gen_prepared": "生成证明，L={L}，公开 {shown} 项，已准备",
    "bench.row.proof_gen": "生成证明，L={L}，公开 {shown} 项",
    "bench.row.prepare": "准备凭证，L={L}",
    "bench.row.proof_verify": "验证证明，L={L}，公开 {shown} 项",
    "bench.row.batch": "{size} 个证明一批，每个",
    "bench.row.one.prove": "一份凭证：生成证明，{octets} 字节",
    "bench.row.one.verify": "一份凭证：验证",
    "bench.row.one.batch": "一份凭证：{size} 个一批，每个",
    "bench.row.range.prove": "＋16 位区间：生成证明，{octets} 字节",
    "bench.row.range.verify": "＋16 位区间：验证",
    "bench.row.range.batch": "＋16 位区间：{size} 个一批，每个",
    "bench.row.revocation.prove": "＋未吊销：生成证明，{octets} 字节",
    "bench.row.revocation.verify": "＋未吊销：验证",
    "bench.row.revocation.batch": "＋未吊销：{size} 个一批，每个",
    "bench.row.three.prove": "三份凭证、两个区间：生成证明，{octets} 字节",
    "bench.row.three.verify": "三份凭证、两个区间：验证",
    "bench.row.three.batch": "三份凭证、两个区间：{size} 个一批，每个",
    "bench.row.parallel": "验证证明，{threads} 个线程与一个相比",
    "bench.row.ceiling": "双线性对校验，{threads} 个线程与一个相比",
    "bench.row.call_alone": "{method}，一个调用方",
    "bench.row.call": "{method}，{callers} 个调用方",
    "bench.row.school": "学校询问：从凭证库到结论",
    "bench.row.enrolment": "入学询问：从凭证库到结论",
    "bench.row.bulk": "批量签发，相对于单纯签名",
    "bench.remark.bulk": (
        "每秒 {per_second} 条（单纯签名 {signing} 条），每条服务端 {server} 微秒、客户端 {client} 微秒；"
        "一万条后内存 {early} MiB，最多 {most} MiB"
    ),
}
