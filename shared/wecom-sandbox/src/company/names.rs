//! Invented names, as an address book of WeChat contacts really looks: mostly plain, some decorated, a few awkward.

use crate::draw::Draw;

/// Family names by how they are written and read.
const FAMILY: &[(&str, &str)] = &[
    ("王", "wang"),
    ("李", "li"),
    ("张", "zhang"),
    ("刘", "liu"),
    ("陈", "chen"),
    ("杨", "yang"),
    ("赵", "zhao"),
    ("黄", "huang"),
    ("周", "zhou"),
    ("吴", "wu"),
    ("徐", "xu"),
    ("孙", "sun"),
    ("胡", "hu"),
    ("朱", "zhu"),
    ("高", "gao"),
    ("林", "lin"),
    ("何", "he"),
    ("郭", "guo"),
    ("马", "ma"),
    ("罗", "luo"),
    ("梁", "liang"),
    ("宋", "song"),
    ("郑", "zheng"),
    ("谢", "xie"),
    ("韩", "han"),
    ("唐", "tang"),
    ("冯", "feng"),
    ("于", "yu"),
    ("董", "dong"),
    ("萧", "xiao"),
    ("程", "cheng"),
    ("曹", "cao"),
    ("袁", "yuan"),
    ("邓", "deng"),
    ("许", "xu"),
    ("傅", "fu"),
    ("沈", "shen"),
    ("曾", "zeng"),
    ("彭", "peng"),
    ("吕", "lv"),
    ("苏", "su"),
    ("卢", "lu"),
    ("蒋", "jiang"),
    ("蔡", "cai"),
    ("贾", "jia"),
    ("丁", "ding"),
    ("魏", "wei"),
    ("薛", "xue"),
    ("叶", "ye"),
    ("欧阳", "ouyang"),
    ("司马", "sima"),
    ("上官", "shangguan"),
    ("诸葛", "zhuge"),
];

/// Given names by how they are written and read, first the ones for women, then for men.
const GIVEN: [&[(&str, &str)]; 2] = [
    &[
        ("芳", "fang"),
        ("娜", "na"),
        ("敏", "min"),
        ("静", "jing"),
        ("丽", "li"),
        ("婷", "ting"),
        ("雪", "xue"),
        ("欣怡", "xinyi"),
        ("梓涵", "zihan"),
        ("诗涵", "shihan"),
        ("佳琪", "jiaqi"),
        ("雨桐", "yutong"),
        ("思雨", "siyu"),
        ("晓燕", "xiaoyan"),
        ("秀英", "xiuying"),
        ("桂兰", "guilan"),
        ("梦洁", "mengjie"),
        ("若曦", "ruoxi"),
        ("语嫣", "yuyan"),
        ("嘉怡", "jiayi"),
        ("紫萱", "zixuan"),
        ("可馨", "kexin"),
    ],
    &[
        ("伟", "wei"),
        ("强", "qiang"),
        ("磊", "lei"),
        ("军", "jun"),
        ("勇", "yong"),
        ("涛", "tao"),
        ("鹏", "peng"),
        ("浩然", "haoran"),
        ("子轩", "zixuan"),
        ("宇航", "yuhang"),
        ("俊杰", "junjie"),
        ("建国", "jianguo"),
        ("志强", "zhiqiang"),
        ("文博", "wenbo"),
        ("天佑", "tianyou"),
        ("明轩", "mingxuan"),
        ("家豪", "jiahao"),
        ("泽宇", "zeyu"),
        ("思远", "siyuan"),
        ("国栋", "guodong"),
        ("晨阳", "chenyang"),
        ("一鸣", "yiming"),
    ],
];

/// Given names with characters that old systems cannot store.
const RARE: &[&str] = &["犇", "龘", "㛃", "翀", "堃", "頔", "𠮷", "𬱖", "䶮", "淼𨱏", "𣸣"];

const NICKNAMES: &[&str] = &[
    "平凡之路",
    "岁月静好",
    "往事随风",
    "追风少年",
    "一米阳光",
    "且听风吟",
    "柠檬不酸",
    "半糖主义",
    "夏末微凉",
    "爱吃鱼的猫",
    "大漠孤烟",
    "慢慢来",
    "小确幸",
    "人间清醒",
    "向日葵",
    "阿杰",
    "小鹿",
    "豆豆妈妈",
    "静待花开",
];
const TRADES: &[&str] =
    &["装修", "建材", "保险", "二手车", "房产", "美容", "图文", "水果批发", "旅游", "教育"];
const LATIN_GIVEN: &[&str] =
    &["Kevin", "Lily", "Jason", "Amy", "Vivian", "Tony", "Coco", "Eric", "Zoe", "Léa", "JOY"];
const EMOJI: &[&str] = &["🌸", "🌟", "🍀", "🐱", "☀️", "🎈", "💰", "👨‍👩‍👧", "🏳️‍🌈", "❤️", "🇨🇳", "👍🏽", "🀄"];

/// Names that are valid and unpleasant.
const AWKWARD: &[&str] = &[
    ".",
    "。。。",
    "A",
    "。",
    "null",
    "undefined",
    "O'Brien",
    "小明&小红",
    "<小张>",
    "\"老板娘\"",
    "%s",
    "\\",
    "]]>",
    "0",
    "007",
    "1",
    "==",
    "张\u{3000}三",
    "a\u{301}bc",
    "لیلی",
    "Ωmega",
    "ﾊﾝﾊﾞｰｸﾞ",
    "①②③",
    "\u{200B}隐身\u{200B}",
    "ᥬ😂᭄",
];

/// Who somebody is: 0 unknown, 1 a man, 2 a woman, in WeCom's numbers.
pub(crate) type Gender = u8;

/// Invents a member's name: how it is written, how it is read (as in a userid), and the gender.
pub(crate) fn member(draw: &mut Draw) -> (String, String, Gender) {
    let family = draw.pick(FAMILY);
    let man = draw.below(2);
    let given = draw.pick(GIVEN[man]);
    let gender = if man == 1 { 1 } else { 2 };
    (format!("{}{}", family.0, given.0), format!("{}{}", family.1, given.1), gender)
}

/// Invents the name that a customer has chosen for WeChat, and the gender given there.
pub(crate) fn customer(draw: &mut Draw) -> (String, Gender) {
    let (plain, _, real) = member(draw);
    let family = draw.pick(FAMILY).0;
    let gender = if draw.chance(0.2) { 0 } else { real };
    let name = match draw.below(1000) {
        0..560 => plain,
        560..680 => (*draw.pick(NICKNAMES)).to_owned(),
        680..760 => decorated(draw, &plain),
        760..830 => latin(draw),
        830..880 => format!("{family}{}", if real == 1 { "先生" } else { "女士" }),
        880..910 => format!("{}{}", draw.pick(TRADES), plain),
        910..935 => {
            format!("A{} {plain}1{:02}****{:04}", draw.pick(TRADES), 30 + draw.below(60), draw.below(10_000))
        }
        935..950 => format!("{plain} {}", draw.pick(NICKNAMES)),
        950..965 => format!("{family}{}", draw.pick(RARE)),
        965..975 => format!("1{:010}", draw.below(10_000_000_000)),
        975..980 => very_long(draw),
        _ => (*draw.pick(AWKWARD)).to_owned(),
    };
    (name, gender)
}

fn decorated(draw: &mut Draw, plain: &str) -> String {
    let emoji = *draw.pick(EMOJI);
    match draw.below(4) {
        0 => format!("{emoji}{plain}{emoji}"),
        1 => format!("{plain}{emoji}"),
        2 => format!("{}{emoji}", draw.pick(NICKNAMES)),
        _ => format!("{emoji}{emoji}{emoji}"),
    }
}

fn latin(draw: &mut Draw) -> String {
    let given = *draw.pick(LATIN_GIVEN);
    let family = draw.pick(FAMILY).1;
    match draw.below(4) {
        0 => given.to_owned(),
        1 => format!("{given} {}{}", family[..1].to_uppercase(), &family[1..]),
        2 => format!("{given}.{family}"),
        _ => format!("{given}_{:02}", draw.below(100)),
    }
}

fn very_long(draw: &mut Draw) -> String {
    let parts: Vec<&str> = (0..12).map(|_| *draw.pick(NICKNAMES)).collect();
    parts.join("～").chars().take(50 + draw.below(14)).collect()
}
