"""Small care projects in memory, for the tests of the parser and of what stands on it."""

from __future__ import annotations

from rules.errors import Finding
from rules.playbook import Playbook, Project
from rules.project import check_files

CARE = """\
care: 1
business: 云帆科技
timezone: Asia/Shanghai
calendar: CN
hours: 09:00-18:00
events:
  order: {title: 下单, fields: {amount: number, product: text, paid: yes_no}}
  complaint: {title: 投诉, fields: {case_id: text, severity: [low, high], on: date}}
  solved: {title: 解决, fields: {case_id: text}}
  visit: {title: 拜访}
event_groups:
  contact: [visit, care_done]
customer:
  name: {type: text, pii: true}
  size: number
  industry: [制造业, 教育]
  need: {any_of: [price, service]}
  vip: yes_no
  contract_end: date
  joined: instant
channels:
  call: {kind: task}
  letter: {kind: file}
roles:
  manager: 客服经理
  owner: {from: customer.name, else: 客户成功组, capacity: 25 a day}
"""

SHARED = """\
measures:
  orders: {count: order}
  orders_60d: {count: order, last: 60 days}
  orders_change: {change: orders_60d, needs: 4}
  orders_more: {difference: orders_60d}
  last_order: {last_time: order}
  product: {last_value: order.product}
  severity: {last_value: complaint.severity}
  answered: {share: solved, of: complaint, same: case_id, last: 60 days}
  answer_time: {time: complaint, to: solved, same: case_id, last: 60 days}
segments:
  buyers: {title: 已下单, orders: above 0}
  slipping: {title: 下滑, orders_change: down more than 30%}
classes:
  tier:
    of: buyers
    values:
      - {value: A, if: {orders: at least 10}}
      - {value: 其他}
"""

PLAYBOOK = """\
playbook: p
owner: service
trigger: {event: complaint}
steps:
  - {step: call, do: call, assign: manager, outcomes: [ok, bad], ask: {mark: 1 to 5}}
"""


def checked(
    *,
    care: str = CARE,
    shared: str = SHARED,
    house: str = "",
    templates: dict[str, str] | None = None,
    **playbooks: str,
) -> tuple[Project | None, tuple[Finding, ...]]:
    """Return what ``check`` says about a project of these texts."""
    files = {"care.yaml": care, "shared.yaml": shared}
    if house:
        files["house.yaml"] = house
    files |= {f"playbooks/{name}.yaml": text for name, text in playbooks.items()}
    files |= {f"templates/{name}": text for name, text in (templates or {}).items()}
    return check_files({name: text.encode() for name, text in files.items()})


def project(**texts: str) -> Project:
    """Return a project that has no errors."""
    found, findings = checked(**texts)
    assert found is not None, "\n".join(map(str, findings))
    assert not found.broken, "\n".join(map(str, findings))
    return found


def playbook(text: str, **texts: str) -> Playbook:
    """Return a playbook of a project without errors."""
    return project(p=text, **texts).playbooks[0]


def told(**texts: str) -> list[str]:
    """Return the findings about a project, as the user sees them."""
    return [str(finding) for finding in checked(**texts)[1]]
