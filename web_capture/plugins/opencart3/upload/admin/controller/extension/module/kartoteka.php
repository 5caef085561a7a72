<?php
defined('VERSION') || exit;

require_once DIR_SYSTEM . 'library/kartoteka/shop.php';

/** Extensions › Modules › Kartoteka. */
class ControllerExtensionModuleKartoteka extends Controller {
	private $fields = ['hub', 'site_key', 'write_key', 'secret_key'];

	/** The page, and what it saves. The secret key is never printed; what is left empty comes from the download. */
	public function index() {
		$this->load->language('extension/module/kartoteka');
		$this->document->setTitle($this->language->get('heading_title'));
		$token = 'user_token=' . $this->session->data['user_token'];
		$back = $this->url->link('marketplace/extension', $token . '&type=module', true);
		$error = $this->request->server['REQUEST_METHOD'] === 'POST' ? $this->save() : '';
		if ($this->request->server['REQUEST_METHOD'] === 'POST' && $error === '') {
			$this->session->data['success'] = $this->language->get('text_success');
			$this->response->redirect($back);
		}
		$data = [
			'error'  => $error,
			'save'   => $this->url->link('extension/module/kartoteka', $token, true),
			'back'   => $back,
			'status' => (bool)$this->config->get('module_kartoteka_status'),
			'values' => [],
			'name'   => substr(hash('sha256', kartoteka_setting($this->registry, 'secret_key')), 0, 8)
		];
		foreach ($this->fields as $field) {
			$data['values'][$field] = $field === 'secret_key' ? '' : kartoteka_setting($this->registry, $field);
			$data['labels'][$field] = $this->language->get('entry_' . $field);
		}
		foreach (['header', 'column_left', 'footer'] as $part) {
			$data[$part] = $this->load->controller('common/' . $part);
		}
		$this->response->setOutput($this->load->view('extension/module/kartoteka', $data));
	}

	private function save() {
		if (!$this->user->hasPermission('modify', 'extension/module/kartoteka')) {
			return $this->language->get('error_permission');
		}
		$said = ['module_kartoteka_status' => empty($this->request->post['status']) ? 0 : 1];
		foreach ($this->fields as $field) {
			$value = isset($this->request->post[$field]) ? trim((string)$this->request->post[$field]) : '';
			if ($value === '' && $field === 'secret_key') {
				$value = (string)$this->config->get('module_kartoteka_secret_key');
			}
			if ($value !== '' && !($field === 'hub' ? kartoteka_hub($value) : kartoteka_is_key($value))) {
				return sprintf($this->language->get('error_value'), $this->language->get('entry_' . $field));
			}
			// what is as downloaded is not kept, so that a newer download's takes effect
			$said['module_kartoteka_' . $field] = $value === kartoteka_default($field) ? '' : $value;
		}
		$this->load->model('setting/setting');
		$this->model_setting_setting->editSetting('module_kartoteka', $said);
		return '';
	}

	/** Tables and events. */
	public function install() {
		kartoteka_install($this->db);
		$this->load->model('setting/event');
		$this->model_setting_event->deleteEventByCode('kartoteka');
		foreach (['catalog/view/common/header/after' => 'header', 'catalog/controller/checkout/cart/add/after' => 'added', 'catalog/model/checkout/order/addOrder/after' => 'ordered', 'catalog/model/checkout/order/addOrderHistory/after' => 'history'] as $trigger => $method) {
			$this->model_setting_event->addEvent('kartoteka', $trigger, 'extension/module/kartoteka/' . $method);
		}
	}

	/** Leaves nothing behind. */
	public function uninstall() {
		kartoteka_uninstall($this->db);
		$this->load->model('setting/event');
		$this->model_setting_event->deleteEventByCode('kartoteka');
	}
}
