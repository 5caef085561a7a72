<?php
defined('VERSION') || exit;

require_once DIR_SYSTEM . 'library/kartoteka/shop.php';

/** What the shop's events call. */
class ControllerExtensionModuleKartoteka extends Controller {
	/** The page's head. */
	public function header(&$route, &$data, &$output) {
		kartoteka_guard($this->registry, function () use (&$output) {
			kartoteka_print($this->registry, $output);
		});
	}

	/** Something was put into the cart. */
	public function added(&$route, &$data, &$output) {
		kartoteka_guard($this->registry, function () {
			kartoteka_added($this->registry);
		});
	}

	/** An order was made. */
	public function ordered(&$route, &$args, &$output) {
		kartoteka_guard($this->registry, function () use ($output) {
			kartoteka_ordered($this->registry, (int)$output);
		});
	}

	/** An order has another status. */
	public function history(&$route, &$args, &$output) {
		kartoteka_guard($this->registry, function () use ($args) {
			kartoteka_history($this->registry, (int)($args[0] ?? 0), (int)($args[1] ?? 0));
		});
	}
}
