<?php
namespace Opencart\Admin\Controller\Extension\Kartoteka\Module;

defined('VERSION') || exit;

require_once DIR_EXTENSION . 'kartoteka/system/shop.php';

/** Extensions › Modules › Kartoteka. */
class Kartoteka extends \Opencart\System\Engine\Controller {
	private const FIELDS = ['hub', 'site_key', 'write_key', 'secret_key'];

	/** The page. The secret key is never printed. */
	public function index(): void {
		$this->load->language('extension/kartoteka/module/kartoteka');
		$this->document->setTitle($this->language->get('heading_title'));
		$token = 'user_token=' . $this->session->data['user_token'];
		$data = [
			'save'   => $this->url->link('extension/kartoteka/module/kartoteka.save', $token),
			'back'   => $this->url->link('marketplace/extension', $token . '&type=module'),
			'status' => (bool)$this->config->get('module_kartoteka_status'),
			'values' => [],
			'name'   => substr(hash('sha256', \kartoteka_setting($this->registry, 'secret_key')), 0, 8)
		];
		foreach (self::FIELDS as $field) {
			$data['values'][$field] = $field === 'secret_key' ? '' : \kartoteka_setting($this->registry, $field);
			$data['labels'][$field] = $this->language->get('entry_' . $field);
		}
		foreach (['header', 'column_left', 'footer'] as $part) {
			$data[$part] = $this->load->controller('common/' . $part);
		}
		$this->response->setOutput($this->load->view('extension/kartoteka/module/kartoteka', $data));
	}

	/** Keep the settings; what is left empty comes from the download. */
	public function save(): void {
		$this->load->language('extension/kartoteka/module/kartoteka');
		$json = [];
		if (!$this->user->hasPermission('modify', 'extension/kartoteka/module/kartoteka')) {
			$json['error'] = $this->language->get('error_permission');
		}
		$said = ['module_kartoteka_status' => empty($this->request->post['status']) ? 0 : 1];
		foreach (self::FIELDS as $field) {
			$value = trim((string)($this->request->post[$field] ?? ''));
			if ($value === '' && $field === 'secret_key') {
				$value = (string)$this->config->get('module_kartoteka_secret_key');
			}
			if ($value !== '' && !($field === 'hub' ? \kartoteka_hub($value) : \kartoteka_is_key($value))) {
				$json['error'] = sprintf($this->language->get('error_value'), $this->language->get('entry_' . $field));
			}
			// what is as downloaded is not kept, so that a newer download's takes effect
			$said['module_kartoteka_' . $field] = $value === \kartoteka_default($field) ? '' : $value;
		}
		if (!$json) {
			$this->load->model('setting/setting');
			$this->model_setting_setting->editSetting('module_kartoteka', $said);
			$json['success'] = $this->language->get('text_success');
		}
		$this->response->addHeader('Content-Type: application/json');
		$this->response->setOutput(json_encode($json));
	}

	/** Tables and events. A "?" stands for the mark before a method, which differs between versions. */
	public function install(): void {
		\kartoteka_install($this->db);
		$this->load->model('setting/event');
		$this->model_setting_event->deleteEventByCode('kartoteka');
		foreach (['catalog/view/common/header/after' => 'header', 'catalog/controller/checkout/cart?add/after' => 'added', 'catalog/model/checkout/order?addOrder/after' => 'ordered', 'catalog/model/checkout/order?addHistory/after' => 'history'] as $trigger => $method) {
			$this->model_setting_event->addEvent([
				'code'        => 'kartoteka',
				'description' => 'Kartoteka',
				'trigger'     => $trigger,
				'action'      => 'extension/kartoteka/event/kartoteka.' . $method,
				'status'      => true,
				'sort_order'  => 1
			]);
		}
	}

	/** Leaves nothing behind. */
	public function uninstall(): void {
		\kartoteka_uninstall($this->db);
		$this->load->model('setting/event');
		$this->model_setting_event->deleteEventByCode('kartoteka');
	}
}
